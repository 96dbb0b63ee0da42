"""A plant of any size for the browser to look at: all its PLCs in one process, with a life of
their own or steady. Machines and names are the demo plant's, over and over.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from e2e.plant import DEMO
from processes import Process, Server, free_port

MACHINES_PER_PLC = 20


class LargePlant:
    """A config with `size` machines, and the process that plays its PLCs."""

    def __init__(self, folder: Path, size: int, *, seed: int = 1) -> None:
        """Write the config into `folder`; nothing runs yet."""
        self.size = size
        self.config = folder / f"plant-{size}.toml"
        self.codes = [f"KRCWO12ELO{1001 + number}" for number in range(size)]
        #: A port whose pages the server lets in, for a relay in front of it.
        self.own_page = free_port()
        self._seed = seed
        self.config.write_text(self._toml(), encoding="utf-8")

    @property
    def first_history(self) -> Path:
        """The folder in which its servers keep their history."""
        return self.config.parent

    @contextmanager
    def running(self, *, speed: float = 1.0, is_steady: bool = False) -> Iterator[Process]:
        """Play the PLCs; give the process, which takes orders as `lineside simulate` does."""
        words = ["simulate", str(self.config), "--seed", str(self._seed), "--speed", str(speed)]
        steady = ["--steady"] if is_steady else []
        with Process([*words, *steady], takes_input=True) as process:
            process.wait_for("Ctrl-C ends it")
            yield process

    def server(self, *words: str) -> Server:
        """A server for this plant, not started yet."""
        return Server("--config", str(self.config), *words)

    def _toml(self) -> str:
        demo = tomllib.loads((DEMO / "plant.toml").read_text(encoding="utf-8"))["equipment"]
        host = f"127.0.0.1:{self.own_page}"
        parts = [f'[server]\nallowed_hosts = ["{host}"]\nallowed_origins = ["http://{host}"]\n']
        parts += [
            '[[line]]\nid = "load"\nname = "부하 라인"\nstop_after = "45s"\nstale_after = "3s"\n'
        ]
        plc_count = -(-self.size // MACHINES_PER_PLC)
        parts += [
            f'[[plc]]\nid = "PLC{number + 1:02d}"\nhost = "127.0.0.1"\nport = {free_port()}\n'
            f'family = "Q"\nheartbeat = "D0"\n'
            for number in range(plc_count)
        ]
        for number, code in enumerate(self.codes):
            plc, slot = divmod(number, MACHINES_PER_PLC)
            name = demo[number % len(demo)]["name"]
            parts.append(
                f'[[equipment]]\ncode = "{code}"\nname = "{name} {number + 1}"\n'
                f'plc = "PLC{plc + 1:02d}"\nstatus_tag = "M{100 + slot}"\n'
                f'error_tag = "M{200 + slot}"\n'
            )
        return "\n".join(parts)
