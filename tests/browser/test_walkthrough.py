"""The delegated launch, clicked and typed: author, administrator, operator, and somebody without a grant."""

import json
import re

import boto3
import pytest
from playwright.sync_api import Page, expect

import ssmdoc
from automation_portal import demonstration
from tests.browser.conftest import SignedIn
from tests.support.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.stack]

NAME = "Browser-Launch"
DRAFT = demonstration.text("untagged-draft.yaml")
CORRECTED = demonstration.text("launch-tagged-instance.yaml")


def type_text(page: Page, text: str) -> None:
    """Replace what stands in the editor."""
    editor = page.locator(".cm-content")
    editor.click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.press("Delete")
    page.keyboard.insert_text(text)


def instances(stack: Stack) -> dict[str, dict]:
    """Return the sandbox's instances, asked for as root over the wire."""
    key = stack.root_key
    ec2 = boto3.client(
        "ec2",
        endpoint_url=stack.sandbox_url,
        region_name="us-east-1",
        aws_access_key_id=key["access_key_id"],
        aws_secret_access_key=key["secret_access_key"],
    )
    rows = [row for group in ec2.describe_instances()["Reservations"] for row in group["Instances"]]
    return {
        row["InstanceId"]: {
            "type": row["InstanceType"],
            "tags": {tag["Key"]: tag["Value"] for tag in row.get("Tags", [])},
        }
        for row in rows
    }


def publish(page: Page) -> None:
    page.get_by_role("link", name="Publish", exact=True).click()
    page.get_by_label("Target").select_option(label="Sandbox")
    page.get_by_role("button", name="Publish").click()


def test_the_delegated_launch(signed_in: SignedIn, stack: Stack) -> None:
    author_writes_and_publishes(signed_in("author"))
    administrator_delegates(signed_in("administrator"))
    before = instances(stack)
    address = operator_launches(signed_in("operator"))
    made = [row for name, row in instances(stack).items() if name not in before]
    assert [row["type"] for row in made] == ["t3.small"]
    assert made[0]["tags"].items() >= {"Owner": "olga@example.org", "CostCentre": "4711"}.items()
    stranger = signed_in("stranger")
    answer = stranger.goto(address)
    assert answer is not None
    assert answer.status == 404
    expect(stranger.get_by_role("link", name="Launch in the browser")).to_have_count(0)


def author_writes_and_publishes(page: Page) -> None:
    page.goto("/documents/")
    page.get_by_role("link", name="New document").first.click()
    page.get_by_label("Name").fill(NAME)
    type_text(page, DRAFT)
    # The editor says what the policy objects to before anything is saved.
    expect(page.locator(".editor")).to_contain_text("Owner and CostCentre")
    page.get_by_role("button", name="Create document").click()
    expect(page.get_by_role("heading", name=NAME)).to_be_visible()
    line = next(n for n, words in enumerate(DRAFT.splitlines(), 1) if "- name: launchInstance" in words)
    expect(page.get_by_role("link", name=f"Line {line}, column 11")).to_be_visible()
    publish(page)
    expect(page.get_by_role("alert").first).to_contain_text(f"Line {line}, column 11")
    page.goto("/documents/")
    page.get_by_role("link", name=NAME).click()
    for form, text in (
        ("YAML", CORRECTED),
        ("JSON", json.dumps(ssmdoc.parse(CORRECTED).data, indent=2)),
    ):
        page.get_by_role("link", name="Edit", exact=True).click()
        page.get_by_label("Format").select_option(form)
        type_text(page, text)
        expect(page.locator(".editor")).to_contain_text("No problems found")
        page.get_by_role("button", name="Save version").click()
        expect(page.get_by_text("fit to be published")).to_be_visible()
        publish(page)
        row = page.locator("#publications tr", has_text="Sandbox").first
        expect(row.locator('[data-status="Active"]')).to_be_visible()


def administrator_delegates(page: Page) -> None:
    page.goto("/delegations/")
    page.get_by_role("link", name="New delegation").first.click()
    choose(page, "document", NAME)
    # The choice of the document brings the next one, which listens a moment later.
    page.wait_for_url("**document=*")
    page.wait_for_load_state("networkidle")
    choose(page, "publication", "ersion 3")
    page.locator("[name=name]").fill("Launch in the browser")
    choose(page, "service_role", "AutomationServiceRole")
    page.locator("[name=mode__InstanceType]").select_option("allowed")
    page.locator("[name=value__InstanceType]").fill("t3.micro\nt3.small")
    page.locator("form", has=page.locator("[name=mode__InstanceType]")).get_by_role("button").last.click()
    expect(page.get_by_role("heading", name="Launch in the browser")).to_be_visible()
    page.locator("[name=permission]").last.select_option("execute")
    choose(page, "group", "Operators")
    page.get_by_role("button", name="Grant").click()
    expect(page.locator("#main")).to_contain_text("Operators")


def choose(page: Page, name: str, words: str) -> None:
    """Choose the option of the control `name` that holds `words`."""
    control = page.locator(f"select[name={name}]")
    value = control.locator("option", has_text=words).first.get_attribute("value")
    control.select_option(value)


def operator_launches(page: Page) -> str:
    page.goto("/run/")
    page.get_by_role("link", name="Launch in the browser", exact=True).click()
    address = page.url
    image = demonstration_image(page)
    page.get_by_label("Image id").fill(image)
    page.get_by_label("Owner").fill("olga@example.org")
    page.get_by_label("Cost centre").fill("4711")
    kind = page.get_by_label("Instance type")
    assert kind.locator("option").all_inner_texts() == ["t3.micro", "t3.small"]
    # Somebody who forges the form is told so beside the field, and what was typed is kept.
    kind.evaluate("select => select.add(new Option('t3.large'))")
    kind.select_option("t3.large")
    page.get_by_role("button", name="Execute").click()
    expect(page.locator("#id_p-InstanceType_error")).to_contain_text("not among what this delegation allows")
    expect(page.get_by_label("Owner")).to_have_value("olga@example.org")
    page.get_by_label("Instance type").select_option("t3.small")
    page.get_by_role("button", name="Execute").click()
    expect(page).to_have_url(re.compile(r"/runs/[0-9a-f-]{36}/"))
    page.evaluate("window.neverReloaded = true")
    expect(page.locator("#main [data-status=Success]").first).to_be_visible(timeout=60_000)
    expect(page.locator("#step-nameInstance [data-status=Success]")).to_be_visible()
    assert page.evaluate("window.neverReloaded"), "the page advanced by itself"
    return address


def demonstration_image(page: Page) -> str:
    """Return an AMI: the one that the demonstration's own delegation suggests."""
    form = page.context.new_page()
    form.goto("/run/")
    form.get_by_role("link", name="Launch a tagged instance", exact=True).click()
    found = form.get_by_label("Image id").input_value()
    form.close()
    return found
