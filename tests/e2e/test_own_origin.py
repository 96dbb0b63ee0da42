"""A plant has no internet: everything a session needs comes from the server itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Request, expect

from e2e.monitor_page import MonitorPage
from e2e.plant import FAULT
from processes import Server


def test_a_whole_session_asks_nobody_but_the_server_and_logs_no_error(
    motley: Server, new_context: Callable[..., BrowserContext]
) -> None:
    context = new_context()
    asked: list[str] = []
    sockets: list[str] = []
    wrong: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    context.on("requestfailed", lambda request: wrong.extend(_failures(request)))
    context.on("console", lambda message: wrong.extend(_complaints(message)))
    context.on("weberror", lambda error: wrong.append(str(error.error)))
    page = context.new_page()
    page.on("websocket", lambda socket: sockets.append(socket.url))

    page.goto(motley.address)
    monitor = MonitorPage(page)
    monitor.expect_live(17)
    monitor.box(FAULT).click()
    expect(monitor.dialog.get_by_role("table")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="배치도").click()
    expect(page.locator("main img")).to_be_visible()
    page.get_by_role("button", name="화면 설정").click()
    page.get_by_role("button", name="English").click()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Wall mode").click()
    expect(monitor.root).to_have_attribute("data-wall", "")
    page.goto(f"{motley.address}/docs")
    expect(page.locator(".swagger-ui .info")).to_be_visible(timeout=60_000)

    assert wrong == []
    own = urlsplit(motley.address).netloc
    assert sockets == [motley.ws_address]
    foreign = [url for url in asked if urlsplit(url).netloc != own and not url.startswith("data:")]
    assert foreign == []
    paths = {urlsplit(url).path for url in asked}
    assert {"/", "/api/lines", "/api/plcs", "/openapi.json"} <= paths, "the session was recorded"
    assert any(path.endswith(".woff2") for path in paths), "the font is the server's own"


def test_the_page_may_not_reach_out_even_if_it_wanted_to(
    motley: Server, new_context: Callable[..., BrowserContext]
) -> None:
    page = new_context().new_page()
    page.goto(motley.address)
    said = page.evaluate(
        """async () => {
            const blocked = new Promise((resolve) => addEventListener(
              'securitypolicyviolation', (e) => resolve(e.effectiveDirective), { once: true }));
            fetch('http://127.0.0.2:9/').catch(() => undefined);
            return blocked;
        }"""
    )
    assert said == "connect-src", json.dumps(said)


def _complaints(message: ConsoleMessage) -> list[str]:
    return [f"{message.type}: {message.text}"] if message.type in ("error", "warning") else []


def _failures(request: Request) -> list[str]:
    """What failed, but for what the page itself gave up, as when a dialog closes."""
    gave_up = request.failure == "net::ERR_ABORTED"
    return [] if gave_up else [f"failed: {request.url} {request.failure}"]
