"""Every page as each persona meets it: no serious accessibility fault, no sideways scrolling, no error."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.conftest import SignedIn

pytestmark = [pytest.mark.browser, pytest.mark.stack]

PAGES = {
    "operator": (
        "/",
        "/run/",
        "/run/1/",
        "/runs/",
        "/approvals/",
        "/me/aws/",
        "/account/password/",
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
        "/targets/",
        "/targets/1/",
        "/targets/1/edit/",
        "/targets/new/",
        "/roles/",
        "/roles/1/",
        "/policies/",
        "/policies/1/",
        "/policies/new/",
        "/audit/",
    ),
    "stranger": ("/", "/run/", "/documents/", "/runs/"),
}


def faults(page: Page, width: int) -> list[str]:
    """Return what is wrong with the page that is shown, in words."""
    found = [
        f"{fault['id']}: {fault['help']} ({fault['nodes'][0]['html'][:160]})"
        for fault in Axe().run(page).response["violations"]
        if fault["impact"] in {"serious", "critical"}
    ]
    wide = page.evaluate("document.documentElement.scrollWidth")
    return found + ([f"scrolls sideways: {wide} px"] if wide > width else [])


@pytest.mark.parametrize("width", [1440, 390])
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
