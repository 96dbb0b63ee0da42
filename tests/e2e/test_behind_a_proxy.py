"""The monitor behind a reverse proxy: in a folder, under another name, in another page's frame."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from e2e.conftest import OpenMonitor
from e2e.pictures import picture
from e2e.plant import RUNNING, Plant
from e2e.reverse_proxy import ReverseProxy
from processes import Server, free_port

PORTS = {"proxy": free_port(), "portal": free_port()}
ANSWER_MS = 120_000  # guards against hanging, no bound


@pytest.fixture(scope="module")
def behind(shared_plant: Plant, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose config says in which folder a proxy shows it, and in whose frame."""
    folder = tmp_path_factory.mktemp("behind")
    text = shared_plant.config.read_text(encoding="utf-8")
    keys = (
        f'[server]\nbase_path = "/line"\nframe_ancestors = ["http://127.0.0.1:{PORTS["portal"]}"]\n'
        f'allowed_hosts = ["127.0.0.1:{PORTS["proxy"]}"]\n'
    )
    head, rest = text.split("[[line]]", 1)
    assert head.startswith("[server]")
    config = folder / "lineside.toml"
    config.write_text(f"{keys}\n[[line]]{rest}", encoding="utf-8")
    (folder / "floor-plan.svg").write_bytes(
        (shared_plant.config.parent / "floor-plan.svg").read_bytes()
    )
    with Server("--config", str(config)) as server:
        yield server


@pytest.mark.parametrize("is_stripped", [True, False], ids=["stripped", "passed on"])
def test_the_whole_page_works_in_a_folder(
    behind: Server, open_monitor: OpenMonitor, is_stripped: bool
) -> None:
    proxy = ReverseProxy(PORTS["proxy"], behind.port, folder="/line", is_stripped=is_stripped)
    with proxy.running():
        monitor = open_monitor(f"{proxy.address}/line", "?lang=ko&view=plan")
        missing: list[str] = []
        page = monitor.page
        page.on(
            "response", lambda answer: missing.append(answer.url) if answer.status == 404 else None
        )
        page.reload()
        monitor.expect_live(17)
        page.wait_for_function("() => document.querySelector('main img')?.naturalWidth > 0")
        monitor.box(RUNNING).click()
        expect(monitor.dialog.locator("[data-today] p").first).to_be_visible(timeout=ANSWER_MS)
        page.keyboard.press("Escape")
        page.get_by_role("link", name="보고서").click()
        expect(page.locator('[data-view="report"]')).to_be_visible(timeout=ANSWER_MS)
        page.get_by_role("link", name="경보").click()
        with page.expect_download() as taken:
            page.get_by_role("link", name="CSV").click()
        assert Path(taken.value.path()).stat().st_size > 0
        for docs in ("/line/docs", "/line/docs/"):
            page.goto(proxy.address + docs)
            expect(page.locator(".swagger-ui .info")).to_be_visible(timeout=ANSWER_MS)
        assert missing == []


def test_a_proxy_that_renames_the_host_is_told_on_the_page_and_in_the_log(
    behind: Server, open_monitor: OpenMonitor
) -> None:
    with ReverseProxy(PORTS["proxy"], behind.port, renames_host=True).running() as proxy:
        monitor = open_monitor(proxy.address, "?lang=ko")
        banner = monitor.page.locator('[data-banner="refused"]')
        expect(banner).to_contain_text(f'allowed_origins = ["{proxy.address}"]', timeout=ANSWER_MS)
        picture(monitor, "refused-ko")
        told = behind.wait_for(f"a request was refused.*{proxy.address}")
        assert "allowed_origins" in behind.output[told.start() :].split("\n", 1)[0]


def test_the_page_of_an_allowed_origin_shows_the_monitor_in_a_frame(
    behind: Server, new_context: Callable[..., BrowserContext]
) -> None:
    with portal(behind.address) as address:
        page = new_context().new_page()
        page.goto(address)
        frame = page.frame_locator("iframe")
        expect(frame.locator("[data-equipment-code]")).to_have_count(17, timeout=ANSWER_MS)


@contextmanager
def portal(shown: str) -> Iterator[str]:
    """Serve a page of another origin that shows `shown` in a frame."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = f'<!doctype html><iframe src="{shown}" width="1200" height="800"></iframe>'
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", PORTS["portal"]), Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{PORTS['portal']}/"
        server.shutdown()
        thread.join()
