"""What the editor offers while an author types, chosen by the keyboard alone."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import SignedIn
from tests.browser.test_walkthrough import type_text

pytestmark = [pytest.mark.browser, pytest.mark.stack]

HEAD = """schemaVersion: '0.3'
parameters:
  InstanceId: {type: String}
  ImageName: {type: String}
mainSteps:
  - name: copyIt
    """


def test_actions_and_references_are_offered_and_chosen_by_the_keyboard(signed_in: SignedIn) -> None:
    page = signed_in("author")
    with page.expect_response("**/completions/"):
        page.goto("/documents/new/")
    type_text(page, HEAD)
    page.keyboard.type("action: aws:exe")
    offers = page.get_by_role("listbox", name="Completions").get_by_role("option")
    expect(offers).to_contain_text(
        ["aws:executeAutomation", "aws:executeAwsApi", "aws:executeScript", "aws:executeStateMachine"]
    )
    choose(page, "aws:executeScript")
    assert text(page) == f"{HEAD}action: aws:executeScript"
    page.keyboard.insert_text("\n    inputs: {Script: x, InputPayload: {id: '")
    page.keyboard.type("{{ Inst")
    expect(offers).to_contain_text(["InstanceId"])
    choose(page, "InstanceId")
    assert text(page).splitlines()[-1] == "    inputs: {Script: x, InputPayload: {id: '{{ InstanceId}}"


def choose(page: Page, label: str) -> None:
    """Go down the offers to the one named, and take it."""
    chosen = page.locator(".cm-tooltip-autocomplete [aria-selected=true]")
    for _ in range(12):
        # For a moment after they appear or change, keys are not for the offers: somebody may be typing still.
        page.wait_for_timeout(150)
        if label in chosen.inner_text():
            break
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator(".cm-tooltip-autocomplete")).to_have_count(0)


def text(page: Page) -> str:
    """What stands in the editor, which is what the form sends."""
    return page.locator("textarea[data-completions-url]").input_value()
