"""The demo's past, written by a process of its own, so that no tick waits for it.

    python -m lineside.demo.past FOLDER UNTIL SEED

writes the week that ends at the Unix second UNTIL into the history of the demo in FOLDER.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import threading
from pathlib import Path

import msgspec
import structlog

from lineside import __version__
from lineside.config import load_config
from lineside.demo import DEMO_SEED
from lineside.drivers import DRIVERS
from lineside.history.lock import FolderLock
from lineside.history.settings import settings_of
from lineside.history.spool import Spool
from lineside.threads import in_daemon_thread

_NICENESS = 5  # behind the board
_log = structlog.get_logger("lineside.demo")


async def write_past(config_path: Path, until_s: int, seed: int = DEMO_SEED) -> None:
    """Write the past week of the demo beside its config, in another process, and wait for it.

    A demo without a past is a demo all the same: that it could not be written is logged.

    Args:
        config_path: of the demo. Nobody may record into its history meanwhile.
        until_s: when the week ends, in Unix seconds.
        seed: the same seed and end give the same week.
    """
    _log.info("demo: its past week is being generated")
    words = [sys.executable, "-m", "lineside.demo.past", str(config_path), str(until_s), str(seed)]
    process = subprocess.Popen(  # noqa: S603, ASYNC220 -- starting it takes a millisecond
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        said = await in_daemon_thread(lambda: _said_by(process))
    finally:
        if process.poll() is None:
            process.kill()
    text = said.decode(errors="replace").strip()
    if process.returncode == 0:
        _log.info("demo: its past week was generated, not seen", said=text)
    else:
        _log.warning("demo: it has no past", reason=text[-500:])


def _said_by(process: subprocess.Popen[bytes]) -> bytes:
    """Return all that a process says until it ends. Its input stays open: it lives by it."""
    assert process.stdout is not None, "it is a pipe"  # noqa: S101
    said = process.stdout.read()
    process.wait()
    return said


def _end_with_parent() -> None:
    """End when the input ends: whoever wanted the past is gone."""
    os.read(0, 1)  # not through a buffer, whose lock would be held at the end
    os._exit(1)


async def _write(config_path: Path, until_s: int, seed: int) -> str:
    from lineside.demo.past_week import plan_week, write_week
    from lineside.history.database import Database
    from lineside.history.store import Store

    loaded = load_config(config_path, DRIVERS)
    site = msgspec.structs.replace(loaded.site, is_demo=True)
    settings = settings_of(loaded.config.history, config_path.parent.absolute(), {})
    lock, spool = FolderLock(settings.lock_file), Spool(settings.spool_folder)
    lock.take()
    spool.open()
    database = Database(settings.database_url)
    try:
        week = plan_week(site, until_s, seed)
        written = await write_week(Store(database), spool, site, week, __version__)
    finally:
        await database.close()
        spool.close()
        lock.release()
    return f"{written.records} records, {written.explained} stops explained"


def main(words: list[str]) -> None:
    """Write the past, as the arguments say."""
    config_path, until_s, seed = Path(words[0]), int(words[1]), int(words[2])
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    with contextlib.suppress(AttributeError, OSError):  # not on Windows
        os.nice(_NICENESS)
        if hasattr(os, "sched_setscheduler"):
            # Where the server runs at real-time priority a nice value alone would weigh nothing.
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    print(asyncio.run(_write(config_path, until_s, seed)))


if __name__ == "__main__":
    main(sys.argv[1:])
