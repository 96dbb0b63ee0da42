"""A plant for the browser to look at: one process per PLC, so that each can be killed alone.

The machines are the demo plant's; they stand still in the status they were told to have. The
server reads them over real sockets. Nothing here decides what the page must show.
"""

from __future__ import annotations

import json
import re
import shutil
import tomllib
import urllib.request
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import connect

from processes import Process, Server, free_port

DEMO = Path(__file__).parents[2] / "src" / "lineside" / "demo"
FREE_PORTS = 4

RUNNING = "KRCWO12ELOA101"
STOPPED = "KRCWO12ELOA102"
IDLE = "KRCWO12ELOA103"
FAULT_WITH_RUN_BIT = (
    "KRCWO12ELOA104"  # its run bit stays on under a fault, as on some real machines
)
FAULT = "KRCWO12ELOA109"
PLCS = ("PLC01", "PLC02", "PLC03")


class Plant:
    """A config, its simulated PLCs, and servers that read them."""

    def __init__(self, folder: Path) -> None:
        """Write the config into `folder`; nothing runs yet."""
        self.config = folder / "lineside.toml"
        self.ports = {plc: free_port() for plc in PLCS}
        #: Ports whose pages the server lets in, for servers of a test's own.
        self.own_pages = [free_port() for _ in range(FREE_PORTS)]
        self.machines = machines()
        self.plcs: dict[str, Process] = {}
        self._disturbed: set[str] = set()  # machines that do not run
        self._lost: set[str] = set()  # PLCs that are not there
        self._server_count = 0
        shutil.copy(DEMO / "floor-plan.svg", folder / "floor-plan.svg")
        self.config.write_text(self._toml(), encoding="utf-8")

    def codes_of(self, plc: str) -> set[str]:
        """The machines that depend on `plc`."""
        return {m["code"] for m in self.machines if m.get("plc") == plc}

    @property
    def codes(self) -> set[str]:
        """Every machine of the line."""
        return {m["code"] for m in self.machines}

    @property
    def names(self) -> Mapping[str, str]:
        """Every machine's name, by code."""
        return {m["code"]: m["name"] for m in self.machines}

    @contextmanager
    def running(self) -> Iterator[Plant]:
        """Run every PLC, each in a process of its own, for as long as the block lasts."""
        with ExitStack() as stack:
            for plc in PLCS:
                words = ["simulate", str(self.config), "--only", plc, "--steady"]
                self.plcs[plc] = Process(words, takes_input=True)
                stack.enter_context(self.plcs[plc])
            for plc in PLCS:
                self.wait_until_served(plc)
            yield self

    def wait_until_served(self, plc: str) -> None:
        """Wait until a started PLC listens."""
        self.plcs[plc].wait_for("Ctrl-C ends it")

    def order(self, code: str, verb: str) -> None:
        """Tell a machine what to do ("run", "idle", "stop", "fault"), and wait until it obeys."""
        plc = self.plcs[next(m["plc"] for m in self.machines if m["code"] == code)]
        answer = f"{code}: {verb}"
        earlier = plc.output.count(answer)  # it may have had the same order before
        plc.say(f"{code} {verb}")
        plc.wait_for(f"(?s)(?:{re.escape(answer)}.*?){{{earlier + 1}}}")
        if verb == "run":
            self._disturbed.discard(code)
        else:
            self._disturbed.add(code)

    def lose(self, plc: str) -> None:
        """End a PLC as a power cut does. Its port stays its own."""
        self.plcs[plc].kill()
        self._lost.add(plc)

    def restore(self, plc: str) -> None:
        """Start a lost PLC again, on its port."""
        self.plcs[plc].start()
        self.wait_until_served(plc)
        self._lost.discard(plc)

    def mend(self) -> None:
        """Let every PLC be there and every machine run, whatever a test has left."""
        for plc in sorted(self._lost):
            self.restore(plc)
        for code in sorted(self._disturbed):
            self.order(code, "run")

    def show_every_status(self) -> None:
        """Let one machine be in each status that a machine can have by itself, the rest run."""
        self.order(STOPPED, "stop")
        self.order(IDLE, "idle")
        self.order(FAULT, "fault")
        self.order(FAULT_WITH_RUN_BIT, "fault")

    def server(self) -> Server:
        """A server for this plant, not started yet, with a history of its own."""
        self._server_count += 1
        state = self._history_of(self._server_count)
        return Server("--config", str(self.config), environment={"STATE_DIRECTORY": str(state)})

    @property
    def first_history(self) -> Path:
        """The folder in which the first server keeps its history."""
        return self._history_of(1)

    def _history_of(self, number: int) -> Path:
        return self.config.parent / f"server-{number}"

    def _toml(self) -> str:
        origins = [f"http://localhost:{port}" for port in self.own_pages]
        hosts = [f"127.0.0.1:{port}" for port in self.own_pages]
        server = {"allowed_origins": origins, "allowed_hosts": hosts}
        line = {
            "id": "weld1",
            "name": "용접 1라인",
            "stop_after": "2s",
            "stale_after": "3s",
            "floor_plan": "floor-plan.svg",
        }
        plcs = [
            {"id": plc, "host": "127.0.0.1", "port": port, "family": "Q", "heartbeat": "D0"}
            for plc, port in self.ports.items()
        ]
        tables: list[tuple[str, Mapping[str, Any]]] = [("[server]", server), ("[[line]]", line)]
        tables += [("[[plc]]", plc) for plc in plcs]
        tables += [("[[equipment]]", machine) for machine in self.machines]
        return "\n".join(f"{head}\n{_keys(table)}" for head, table in tables)


def machines() -> list[dict[str, Any]]:
    """The demo's machines; one says by a tag that it waits, so that it stays idle."""
    demo = tomllib.loads((DEMO / "plant.toml").read_text(encoding="utf-8"))
    machines: list[dict[str, Any]] = demo["equipment"]
    for machine in machines:
        if machine["code"] == IDLE:
            machine["idle_tag"] = "M300"
    return machines


def _keys(table: Mapping[str, Any]) -> str:
    return "".join(f"{key} = {_toml_value(value)}\n" for key, value in table.items())


def _toml_value(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {_toml_value(v)}" for k, v in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)


def ask(server: Server, path: str) -> Any:
    """Return what the server answers at `path`, as JSON."""
    with urllib.request.urlopen(server.address + path, timeout=120) as answer:  # noqa: S310
        return json.load(answer)


def wait_until_running(server: Server, codes: Collection[str]) -> None:
    """Follow the ticks until every machine of `codes` has been read as running."""
    with connect(server.ws_address) as client:
        while True:
            tick = json.loads(client.recv(timeout=60))["equipment"]
            if {e["equipment_code"] for e in tick if e["status"] == "running"} >= set(codes):
                return
