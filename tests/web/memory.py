"""A plant whose past is written by hand, minute by minute, into a real history."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from builders import T0_S, WebPlant, code
from history.told import a_batch, a_run
from lineside.clock import system_clock
from lineside.core.model import Instant, Site, Status
from lineside.history.records import Batch, ChangeRecord, config_record
from lineside.history.service import History
from lineside.history.settings import HistorySettings
from serving import eventually

MINUTE_MS = 60_000
LETTERS = {
    "r": (Status.RUNNING, "running"),
    "i": (Status.IDLE, "idle_wait"),
    "s": (Status.STOPPED, "stop_elapsed"),
    "e": (Status.ERROR, "error_tag"),
    "d": (Status.DISCONNECTED, "plc_lost"),
}


def told(
    site: Site, begin_ms: int, days: Mapping[int, str], *, unit_ms: int = MINUTE_MS
) -> list[Batch]:
    """Return one run in which each machine did what its letters say, one letter per unit."""
    records = []
    for number, letters in days.items():
        at_ms, ran_ms = begin_ms, begin_ms
        for letter, same in groupby(letters):
            status, reason = LETTERS[letter]
            if letter not in "is":
                ran_ms = at_ms + len(list(same)) * unit_ms
                length = (ran_ms - at_ms) // unit_ms
            else:
                length = len(list(same))
            records.append((at_ms, number, status, reason, ran_ms if letter in "is" else at_ms))
            at_ms += length * unit_ms
    records.sort()
    run = a_run(1, begin_ms)
    changes = [
        ChangeRecord(
            seq=seq,
            equipment_code=code(number),
            at_ms=at_ms,
            previous=None,
            status=status,
            reason=reason,
            tag="M101",
            value="1",
            since_ms=since_ms,
            tags='[["status_tag","M101",1,12],["error_tag","M201",0,12]]',
        )
        for seq, (at_ms, number, status, reason, since_ms) in enumerate(records, 2)
    ]
    end_ms = begin_ms + max(map(len, days.values())) * unit_ms
    return [a_batch(run, [config_record(1, begin_ms, site), *changes], stopped_ms=end_ms)]


async def remembering(
    folder: Path, site: Site, batches: list[Batch], *, now_s: float = T0_S, url: str | None = None
) -> tuple[WebPlant, History]:
    """Return a plant at `now_s` over a history that holds `batches`, and whose clock goes on."""
    began_s = system_clock().monotonic_s

    def clock() -> Instant:
        monotonic_s = system_clock().monotonic_s
        return Instant(unix_s=now_s + monotonic_s - began_s, monotonic_s=monotonic_s)

    history = History(HistorySettings(folder=folder, url=url), clock, "1.2.3")
    history.start()
    await eventually(lambda: history.is_open, "the history was not opened")
    await history.ask(lambda store: store.write(batches))
    plant = WebPlant(site, history=history)
    plant.clock.unix_s = now_s
    plant.configure()
    plant.tick()
    return plant, history


async def get(plant: WebPlant, path: str) -> Any:
    """Return what the plant answers, which is to be a success, as JSON says it."""
    answer = await plant.ask(path)
    assert answer.status_code == 200, (path, answer.text)
    return answer.json()
