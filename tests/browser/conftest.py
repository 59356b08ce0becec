"""A Chromium, and people who sit before it."""

import os
import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.support.stack import Stack

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# No sandbox: a container's root has none. The others keep Chromium from calling its maker.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One Chromium for a module's tests: the system's.

    For no longer, since its event loop runs in this thread, where Django then refuses every query.
    """
    path = os.environ.get("CHROMIUM_PATH") or next(filter(None, map(shutil.which, NAMES)), None)
    assert path, "The browser tests need Chromium: install it, or set CHROMIUM_PATH."
    # Patience for a busy machine: nothing here waits longer than it must.
    expect.set_options(timeout=45_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


SignedIn = Callable[..., Page]


@pytest.fixture
def signed_in(chromium: Browser, stack: Stack) -> Iterator[SignedIn]:
    """Give a page on which somebody has signed in; its errors fail the test."""
    contexts = []
    complaints: list[str] = []

    def sign_in(username: str, width: int = 1440) -> Page:
        context = chromium.new_context(base_url=stack.url, viewport={"width": width, "height": 900})
        context.set_default_timeout(45_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
        page.on(
            "console",
            lambda message: (
                message.type == "error"
                and "Failed to load resource" not in message.text
                and complaints.append(f"{page.url}: {message.text}")
            ),
        )
        page.goto("/account/sign-in/")
        page.get_by_label("Username").fill(username)
        page.get_by_label("Password").fill(stack.passwords[username])
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator(".portal-top")).to_contain_text(username.title())
        return page

    yield sign_in
    for context in contexts:
        context.close()
    assert not complaints
