"""Every page as each persona meets it: no serious accessibility fault, no broken layout, no error."""

import re
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import resolve
from playwright.sync_api import Page, expect

from automation_portal import demonstration
from tests.browser.conftest import SignedIn
from tests.support.matrix_rows import ROWS
from tests.support.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.stack]

WIDTHS = (1440, 390)
PAGES = {
    "operator": (
        "/",
        "/run/",
        "/run/1/",
        "/runs/",
        "/approvals/",
        "/me/aws/",
        "/me/aws/1/",
        "/account/password/",
        "/account/sign-out/",
        "/no/such/",
    ),
    "author": (
        "/documents/",
        "/documents/1/",
        "/documents/2/",
        "/documents/1/edit/",
        "/documents/new/",
        "/documents/1/versions/1/",
        "/documents/1/publish/",
    ),
    "administrator": (
        "/",
        "/delegations/",
        "/delegations/1/",
        "/delegations/1/edit/",
        "/delegations/new/?document=1",
        "/documents/1/access/",
        "/people/",
        "/people/3/",
        "/people/new/",
        "/groups/",
        "/groups/1/",
        "/groups/new/",
        "/targets/",
        "/targets/1/",
        "/targets/1/edit/",
        "/targets/new/",
        "/roles/",
        "/roles/1/",
        "/roles/1/edit/",
        "/roles/new/",
        "/policies/",
        "/policies/1/",
        "/policies/new/",
        "/audit/",
        "/maintenance/",
    ),
    "stranger": ("/", "/run/", "/documents/", "/runs/", "/approvals/", "/me/aws/"),
}
# Pages that need something to have happened first; each has a test of its own below, and every test signs in.
WALKED = {"executions:detail", "documents:diff", "account_login"}
# No pages: what machines ask, and the parts of pages.
PARTS = {
    "health-live",
    "health-ready",
    "executions:live",
    "executions:stream",
    "documents:completions",
    "documents:publication",
    "aws:identity-status",
    "aws:target-check",
}
REFUSED = {
    "/people/new/": "Add the person",
    "/groups/new/": "Make the group",
    "/targets/new/": "Add the target",
    "/roles/new/": "Add the service role",
    "/policies/new/": "Save policy",
    "/maintenance/": "Pause launches",
    "/delegations/new/?document=1": "Make the delegation",
    "/delegations/1/": "Grant",
    "/documents/1/access/": "Grant",
    "/roles/1/": "Grant",
    "/targets/1/": "Assign the role",
    "/groups/1/": "Add",
    "/people/3/": "Set the password",
}


def faults(page: Page, width: int) -> list[str]:
    """Return what is wrong with the page that is shown, in words."""
    return inaccessible(page) + broken(page, width)


def inaccessible(page: Page) -> list[str]:
    """Return what a screen reader or keyboard would stumble over."""
    return [
        f"{fault['id']}: {fault['help']} ({fault['nodes'][0]['html'][:160]})"
        for fault in Axe().run(page).response["violations"]
        if fault["impact"] in {"serious", "critical"}
    ]


def broken(page: Page, width: int) -> list[str]:
    """Return where the layout leaves the window."""
    wide = page.evaluate("document.documentElement.scrollWidth")
    below = page.evaluate(
        "document.documentElement.scrollHeight - scrollY"
        " - document.querySelector('.portal-foot').getBoundingClientRect().bottom"
    )
    # A labelled cell lays what it holds side by side on a phone: several things stand in one element.
    squeezed = page.evaluate(
        "[...document.querySelectorAll('.table-stack td[data-label]')]"
        ".filter(cell => cell.children.length > 2).map(cell => cell.dataset.label)"
    )
    sideways = [f"scrolls sideways: {wide} px"] if wide > width else []
    found = sideways + [f"squeezes {label}" for label in squeezed]
    return found + ([f"goes on below its foot: {below:.0f} px"] if below > 40 else [])


def sound_at_every_width(page: Page) -> None:
    """Find no fault in the page that is shown, wide and narrow."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert not broken(page, width), (page.url, width)
    # Axe takes a second: it reads the narrow page, which has all that the wide one has.
    assert not inaccessible(page), page.url


def test_every_page_is_walked() -> None:
    walked = set()
    for address in (address for addresses in PAGES.values() for address in addresses):
        if address != "/no/such/":
            walked.add(resolve(urlsplit(address).path).view_name)
    shown = {name for name, row in ROWS.items() if row.method == "get"}
    assert shown - PARTS == walked | WALKED


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("persona", PAGES)
def test_pages_are_sound(signed_in: SignedIn, persona: str, width: int) -> None:
    page = signed_in(persona, width)
    found = {}
    for address in PAGES[persona]:
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == (404 if address == "/no/such/" else 200), address
        wrong = faults(page, width)
        if wrong:
            found[address] = wrong
    assert not found


def test_forms_that_are_refused_are_sound(signed_in: SignedIn) -> None:
    page = signed_in("administrator")
    for address, button in REFUSED.items():
        page.goto(address)
        form = page.locator(
            "#main form[method=post]", has=page.get_by_role("button", name=button, exact=True)
        )
        form.last.evaluate("form => { form.noValidate = true; }")
        form.last.get_by_role("button", name=button, exact=True).click()
        expect(page.locator("[data-form-errors]")).to_be_focused()
        expect(page.locator(".field-error").first).to_be_visible()
        sound_at_every_width(page)


def launch(page: Page, name: str, **values: str) -> None:
    page.goto("/run/")
    page.get_by_role("link", name=name, exact=True).click()
    for field, value in values.items():
        page.locator(f"[name=p-{field}]").fill(value)
    page.get_by_role("button", name="Execute").click()
    expect(page).to_have_url(re.compile(r"/runs/[0-9a-f-]{36}/"))


def test_runs_are_sound_in_every_state(signed_in: SignedIn) -> None:
    page = signed_in("operator")
    launch(page, "Launch a tagged instance", Owner="olga@example.org", CostCentre="4711")
    expect(page.locator("#state-title [data-status=Success]")).to_be_visible(timeout=60_000)
    instance = page.locator("[data-copy^=i-]").first.get_attribute("data-copy") or ""
    # What AWS gives as JSON text is shown as the value that it stands for.
    page.locator("#step-inputs-summary-1").click()
    expect(page.locator("#step-inputs-1 pre")).to_contain_text('"InstanceType": "t3.micro"')
    sound_at_every_width(page)
    launch(page, "Launch as yourself", Owner="olga@example.org", CostCentre="4711")
    expect(page.locator("#state-title [data-status=Failed]")).to_be_visible(timeout=60_000)
    sound_at_every_width(page)
    launch(page, "Restart an instance", InstanceId=instance)
    waiting = page.url
    expect(page.locator("#state-title [data-status=Waiting]")).to_be_visible(timeout=60_000)
    sound_at_every_width(page)
    administrator = signed_in("administrator")
    administrator.goto(waiting)
    expect(administrator.get_by_role("link", name="Approvals 1 waiting")).to_be_visible()
    sound_at_every_width(administrator)
    # A question opens with what destroys out of reach of a thoughtless Enter, and gives the focus back.
    page.locator("#cancel-run-trigger").press("Enter")
    expect(page.get_by_role("button", name="Keep it as it is")).to_be_focused()
    sound_at_every_width(page)
    page.keyboard.press("Escape")
    expect(page.locator("#cancel-run-trigger")).to_be_focused()
    page.locator("#cancel-run-trigger").press("Enter")
    page.get_by_role("dialog").get_by_role("button", name="Cancel the run").click()
    expect(page.locator("#state-title [data-status=Cancelled]")).to_be_visible(timeout=60_000)
    sound_at_every_width(page)


HIDE = """hidden => {
    Object.defineProperty(document, "hidden", {value: hidden, configurable: true});
    document.dispatchEvent(new Event("visibilitychange"));
}"""


MAKE_RUN = """
from accounts.models import Delegation, User
from executions.models import Execution
delegation = Delegation.objects.select_related("version", "document").first()
run = Execution.objects.create(
    delegation=delegation, operator=User.objects.get(username="operator"), version=delegation.version,
    target=delegation.target, content_hash=delegation.version.sha256,
    aws_document_name=delegation.document.name, aws_document_version="1", status="InProgress",
)
print(run.pk)
"""
MOVE_RUN = """
from executions.events import Fact
from executions.models import Execution, Status
from executions.transitions import move
move(Execution.objects.get(pk="{run}"), Status("{status}"), Fact("status", "The run is {status}"))
"""


def in_the_portal(stack: Stack, script: str) -> str:
    done = stack.manage("shell", "--verbosity", "0", "-c", script)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_runs_page_asks_by_itself_while_it_has_no_stream_and_holds_none_unseen(
    signed_in: SignedIn, stack: Stack
) -> None:
    run = in_the_portal(stack, MAKE_RUN)
    page = signed_in("operator")
    page.clock.install()
    page.route("**/stream/**", lambda route: route.fulfill(status=429))
    with page.expect_response("**/stream/**"):
        page.goto(f"/runs/{run}/")
    in_the_portal(stack, MOVE_RUN.format(run=run, status="Waiting"))
    page.clock.fast_forward(6_000)
    expect(page.locator("#state-title [data-status=Waiting]")).to_be_visible()

    page.unroute("**/stream/**")
    with page.expect_response("**/stream/**") as opened:
        page.clock.fast_forward(60_000)
    assert opened.value.status == 200
    with page.expect_event("requestfailed", lambda request: "/stream/" in request.url):
        page.evaluate(HIDE, True)
        page.clock.fast_forward(11_000)
    with page.expect_response("**/stream/**") as again:
        page.evaluate(HIDE, False)
    assert again.value.status == 200
    # The clock stands still from here on: only the stream can tell.
    page.clock.pause_at(page.evaluate("Date.now()") + 1_000)
    with page.expect_response("**/live/**"):
        in_the_portal(stack, MOVE_RUN.format(run=run, status="Failed"))
    page.clock.resume()
    expect(page.locator("#state-title [data-status=Failed]")).to_be_visible()


def write(page: Page, text: str) -> None:
    """Put the demonstration's `text` in place of what stands in the editor, and wait until it is checked."""
    page.locator(".cm-content").click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.press("Delete")
    with page.expect_response("**/documents/check/"):
        page.keyboard.insert_text(demonstration.text(text))


def test_a_document_with_faults_and_its_changes_are_sound(signed_in: SignedIn) -> None:
    page = signed_in("author")
    page.goto("/documents/new/")
    page.get_by_label("Name").fill("Pages-Of-A-Draft")
    write(page, "untagged-draft.yaml")
    expect(page.locator(".editor")).to_contain_text("Owner and CostCentre")
    sound_at_every_width(page)
    page.get_by_role("button", name="Create document").click()
    expect(page.get_by_role("link", name="Publish", exact=True)).to_be_visible()
    sound_at_every_width(page)
    page.get_by_role("link", name="Publish", exact=True).click()
    expect(page.get_by_role("heading", name="Publish version 1")).to_be_visible()
    sound_at_every_width(page)
    page.get_by_role("link", name="Pages-Of-A-Draft").click()
    page.get_by_role("link", name="Edit", exact=True).click()
    write(page, "launch-tagged-instance.yaml")
    page.get_by_role("button", name="Save version").click()
    page.get_by_role("link", name="Changes").first.click()
    expect(page.get_by_role("heading", name="What version 2 changed")).to_be_visible()
    sound_at_every_width(page)


def test_what_was_typed_survives_the_choice_of_another_document(signed_in: SignedIn) -> None:
    page = signed_in("administrator")
    page.goto("/delegations/new/?document=1")
    page.get_by_label("Name").fill("Restart what hangs")
    page.get_by_label("Description").fill("When nothing answers.")
    page.get_by_label("Document", exact=True).select_option(label="Restart-Instance")
    expect(page.get_by_role("heading", name="How version 1 of Restart-Instance")).to_be_visible()
    expect(page.get_by_label("Name")).to_have_value("Restart what hangs")
    expect(page.get_by_label("Description")).to_have_value("When nothing answers.")


def test_the_navigation_shows_only_what_somebody_has_rights_in(signed_in: SignedIn) -> None:
    areas = {
        name: signed_in(name).locator(".nav-area-title").all_inner_texts()
        for name in ("stranger", "operator", "author", "administrator")
    }
    assert [[title.title() for title in titles] for titles in areas.values()] == [
        ["Operate"],
        ["Operate"],
        ["Operate", "Author"],
        ["Operate", "Author", "Administer"],
    ]
