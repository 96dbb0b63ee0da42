"""A screen on a wall: Chromium as a kiosk has it, which sleeps, loses its network and is minimised.

Playwright tells every page that it is visible and has the focus, so this speaks the browser's own
protocol (CDP). Every display has a window of its own. Nothing in the page is replaced.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

from e2e.conftest import CHROMIUM_FLAGS
from e2e.monitor_page import RECORDER, TICK_MS

ANSWER_TIMEOUT_S = 180.0

_UNTIL = """
new Promise((resolve) => {{
  const endsAt = Date.now() + {timeout_ms};
  const look = () => {{
    if ({expression}) resolve(true);
    else if (Date.now() > endsAt) resolve(false);
    else setTimeout(look, 20);
  }};
  look();
}})
"""

#: Notes when the page gets time again after a pause, and what its browser tells it meanwhile.
WAKINGS = """
(() => {
  const wakings = [];
  window.wakings = wakings;
  const note = () => wakings.push(Date.now() / 1000);
  document.addEventListener('resume', note);
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') note();
  });
  window.addEventListener('online', note);
  let beat = Date.now();
  setInterval(() => {
    const now = Date.now();
    if (now - beat > 2_000 && document.visibilityState === 'visible') note();
    beat = now;
  }, 50);
})()
"""


class Wall:
    """One running Chromium; `hang` puts a display on it."""

    def __init__(self, browser: ClientConnection) -> None:
        self._browser = browser
        self._number = 0

    def hang(self, address: str, scripts: Sequence[str] | None = None) -> Display:
        """Open `address` in a window of its own; `scripts` run first, by default what records."""
        target = self.send("Target.createTarget", url="about:blank", newWindow=True)["targetId"]
        attached = self.send("Target.attachToTarget", targetId=target, flatten=True)
        window = self.send("Browser.getWindowForTarget", targetId=target)["windowId"]
        display = Display(self, target, attached["sessionId"], window)
        display.send("Page.enable")
        for script in (RECORDER, WAKINGS) if scripts is None else scripts:
            display.send("Page.addScriptToEvaluateOnNewDocument", source=script)
        display.send("Page.navigate", url=address)
        return display

    @contextmanager
    def asleep(self) -> Iterator[None]:
        """Stop every process of the browser, as a computer that sleeps does."""
        processes = self.send("SystemInfo.getProcessInfo")["processInfo"]
        try:
            _tell(processes, signal.SIGSTOP)
            yield
        finally:
            _tell(processes, signal.SIGCONT)

    def send(self, method: str, session: str | None = None, /, **parameters: Any) -> dict[str, Any]:
        """Send one command of the protocol; return the browser's answer."""
        self._number += 1
        command = {"id": self._number, "method": method, "params": parameters}
        self._browser.send(json.dumps(command | ({"sessionId": session} if session else {})))
        while True:
            message = json.loads(self._browser.recv(timeout=ANSWER_TIMEOUT_S))
            if message.get("id") == self._number:
                assert "error" not in message, f"{method}: {message['error']}"
                result: dict[str, Any] = message["result"]
                return result


class Display:
    """One page on the wall."""

    def __init__(self, wall: Wall, target: str, session: str, window: int) -> None:
        self._wall = wall
        self._target = target
        self._session = session
        self._window = window

    def close(self) -> None:
        """Take it off the wall."""
        self._wall.send("Target.closeTarget", targetId=self._target)

    def minimise(self) -> None:
        """Minimise its window: the page is hidden, and its timers are throttled."""
        self._set_window("minimized")
        self.wait_for("document.visibilityState === 'hidden'")

    def show(self) -> None:
        """Bring its window back."""
        self._set_window("normal")

    def freeze(self) -> None:
        """Freeze the minimised page, as a browser does that wants to save power."""
        self.send("Page.setWebLifecycleState", state="frozen")

    def set_network(self, *, is_offline: bool) -> None:
        """Take the network away, or give it back. Connections stay open, and nothing comes."""
        self.send("Network.enable")
        self.send(
            "Network.emulateNetworkConditions",
            offline=is_offline,
            latency=0,
            downloadThroughput=-1,
            uploadThroughput=-1,
        )

    def colors_since(self, since_s: float) -> list[tuple[float, str, str]]:
        """Return what turned to which colour since Unix time `since_s`: when, machine, colour."""
        found = self.ask("window.recorded.boxes")
        return [(at_s, code, color) for at_s, code, color in found if at_s >= since_s]

    def woke_at_s(self, after_s: float) -> float:
        """Return when the page first ran again after Unix time `after_s`."""
        self.wait_for(f"window.wakings.some((at) => at >= {after_s})")
        return float(min(at_s for at_s in self.ask("window.wakings") if at_s >= after_s))

    def expect_colors(self, truth: Mapping[str, str]) -> None:
        """Wait until every machine of `truth` has the colour that it says."""
        self.wait_for(
            f"Object.entries({json.dumps(dict(truth))}).every(([code, color]) => document"
            '.querySelector(`[data-equipment-code="${code}"]`)?.dataset.color === color)'
        )

    def expect_phase(self, phase: str, *, timeout_ms: float = TICK_MS) -> None:
        """Wait until the page says that its connection is in `phase`."""
        self.wait_for(
            f"document.documentElement.dataset.phase === {phase!r}", timeout_ms=timeout_ms
        )

    def wait_for(self, expression: str, *, timeout_ms: float = TICK_MS) -> None:
        """Wait until `expression` is true in the page, which must have time to look."""
        answer = self.send(
            "Runtime.evaluate",
            expression=_UNTIL.format(expression=expression, timeout_ms=timeout_ms),
            awaitPromise=True,
            returnByValue=True,
        )
        assert answer["result"].get("value") is True, f"not in {timeout_ms} ms: {expression}"

    def ask(self, expression: str) -> Any:
        """Return the value of `expression` in the page."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def send(self, method: str, /, **parameters: Any) -> dict[str, Any]:
        """Send one command to the page."""
        return self._wall.send(method, self._session, **parameters)

    def _set_window(self, state: str) -> None:
        bounds = {"windowState": state}
        self._wall.send("Browser.setWindowBounds", windowId=self._window, bounds=bounds)


@contextmanager
def wall(folder: Path) -> Iterator[Wall]:
    """Run a Chromium of its own, with its profile in `folder`."""
    executable = shutil.which("chromium")
    assert executable, "the browser tests need chromium: apt-get install chromium"
    words = [executable, "--headless", *CHROMIUM_FLAGS, "--remote-debugging-port=0"]
    with subprocess.Popen(
        [*words, f"--user-data-dir={folder / 'profile'}", "about:blank"],
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stderr is not None
            said = (re.search(r"DevTools listening on (ws://\S+)", line) for line in process.stderr)
            address = next(found[1] for found in said if found)
            # What it says from now on must not fill the pipe.
            threading.Thread(target=process.stderr.read, daemon=True).start()
            # Nobody reads the browser's events: a bounded queue of them would hold up the goodbye.
            # No pings: a browser that is asleep answers none, and is not gone for that.
            with connect(address, max_size=None, max_queue=None, ping_interval=None) as browser:
                yield Wall(browser)
        finally:
            process.kill()


def _tell(processes: Sequence[Mapping[str, Any]], what: signal.Signals) -> None:
    for process in processes:
        with suppress(ProcessLookupError):  # its page is closed
            os.kill(process["id"], what)
