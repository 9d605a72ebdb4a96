"""A real headless Chromium, and pages that are told of everything they should not do."""

import os
import shutil

import pytest
from playwright.sync_api import sync_playwright

QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def chromium():
    """Debian's Chromium; without one, tests are skipped, or fail on request."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        if os.environ.get("PHRASELOC_REQUIRE_BROWSER") == "1":
            pytest.fail("no chromium on the PATH")
        pytest.skip("no chromium on the PATH")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(QUIET))
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium):
    """Open a page's file; the test fails on any error, message of the console or request."""
    contexts, told = [], []

    def open_file(path, *, width=1280, height=900, scheme="light"):
        context = chromium.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda message: told.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: told.append(f"error: {error}"))
        page.on("dialog", lambda dialog: told.append(f"dialog: {dialog.message}"))
        page.on("request", lambda request: told.append(f"request: {request.url}"))
        page.goto(path.as_uri())
        assert told == [f"request: {path.as_uri()}"]
        return page

    yield open_file
    for context in contexts:
        context.close()
    assert len(told) == len(contexts), told
