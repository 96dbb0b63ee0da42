"""One server records into a database: the other one says so, and takes over when it ends."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import func, select, text

from builders import code, equipment_state, line, site, site_change, snapshot, state_change
from history.postgresql import PostgreSQL
from history.told import T0_MS, a_batch, a_change, a_run
from lineside.clock import system_clock
from lineside.core.alarm import AlarmEvent, AlarmEventKind
from lineside.core.errors import HistoryError
from lineside.core.model import Status
from lineside.core.ports import BusMessage
from lineside.history import schema
from lineside.history import service as service_module
from lineside.history.database import Database
from lineside.history.lease import AnotherRecords, Lease
from lineside.history.service import History
from lineside.history.settings import HistorySettings
from lineside.history.store import Store
from serving import eventually

PLANT = site(line("weld1", range(101, 102)))


@pytest.fixture
def url(postgres: PostgreSQL, request: pytest.FixtureRequest) -> str:
    return postgres.create(f"lease_{abs(hash(request.node.name))}")


class Servers:
    """What several servers of one plant hear, each with a folder of its own."""

    def __init__(self, url: str | None, folder: Path) -> None:
        self._url, self._folder = url, folder
        self.running: list[History] = []
        self.status = Status.RUNNING

    async def start(self, name: str) -> History:
        settings = HistorySettings(folder=self._folder / name, url=self._url)
        history = History(settings, system_clock, "1.2.3", alive_s=0.1)
        self.running.append(history)
        now_s = system_clock().unix_s
        history.on_message(site_change(PLANT, at_s=now_s))
        history.on_message(state_change(101, self.status, at_s=now_s))
        history.start()
        return history

    async def stop(self, history: History) -> None:
        self.running.remove(history)
        history.stop()
        await history.wait_stopped(10)

    def publish(self, message: BusMessage) -> None:
        for each in self.running:
            each.on_message(message)

    def turn(self, status: Status) -> None:
        self.status = status
        self.publish(state_change(101, status, at_s=system_clock().unix_s))

    def tick(self) -> None:
        now = system_clock()
        shown = snapshot(PLANT, at_s=now.unix_s)
        (there,) = shown.lines
        state = equipment_state(PLANT.lines[0].equipment[0], self.status, at_s=now.unix_s)
        self.publish(replace(shown, at=now, lines=(replace(there, equipment=(state,)),)))

    async def until(self, is_true: object, what: str) -> None:
        assert callable(is_true)

        def look() -> bool:
            self.tick()
            return bool(is_true())

        await eventually(look, what)


async def count(history: History, table: str) -> int:
    async def question(store: Store) -> int:
        async with store.database.reading() as connection:
            return int(
                await connection.scalar(
                    select(func.count()).select_from(schema.metadata.tables[table])
                )
                or 0
            )

    return await history.ask(question)


async def test_of_two_servers_one_records_and_the_other_says_so_and_takes_over(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_module, "RETRY_S", 0.02)
    servers = Servers(url, tmp_path)
    first = await servers.start("first")
    await servers.until(lambda: first.health().written > 0, "the first does not record")
    second = await servers.start("second")
    await servers.until(lambda: "another Lineside" in second.health().error, "nothing is told")
    recalling = [asyncio.create_task(each.recall_alarms()) for each in (first, second)]
    try:
        await servers.until(lambda: first.alarms.is_recalled, "nothing is recalled")
        servers.turn(Status.ERROR)
        await servers.until(lambda: len(second.alarms.book) == 1, "the second sees no fault")
        assert (second.health().written, second.health().lost) == (0, 0)
        assert first.knows_alarms
        assert not second.knows_alarms
        (alarm,) = second.alarms.book
        event = AlarmEvent(kind=AlarmEventKind.ACKNOWLEDGED, at_ms=1, by="Kim")
        with pytest.raises(HistoryError, match="another Lineside"):
            await second.act(alarm, event)
        with pytest.raises(HistoryError, match="another Lineside"):
            await second.ask(lambda store: store.runs(0, 1))
        written = first.health().written
        await servers.until(lambda: first.health().queued == 0, "the first lags")
        assert written
        assert await count(first, "run") == 1
        assert await count(first, "alarm") == 1
        await servers.stop(first)
        await servers.until(lambda: second.health().written > 0, "the second does not take over")
        await servers.until(lambda: second.knows_alarms, "it recalls no alarms")
        await servers.until(lambda: second.health().queued == 0, "the second lags")
        assert second.health().error == ""
        assert await count(second, "run") == 2
        assert await count(second, "alarm") == 1, "the fault has an alarm of the first already"
        assert [each.source for each in second.alarms.book] == [code(101)]
        assert second.health().lost == 0
    finally:
        for task in recalling:
            task.cancel()
        await asyncio.wait(recalling)
        for each in list(servers.running):
            await servers.stop(each)


@pytest.mark.parametrize("is_image", [False, True])
async def test_of_two_servers_of_which_one_has_a_copy_of_the_others_folder_one_records(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_image: bool
) -> None:
    monkeypatch.setattr(service_module, "RETRY_S", 0.02)
    servers = Servers(url, tmp_path)
    first = await servers.start("first")
    await servers.until(lambda: first.health().written > 0, "the first does not record")
    shutil.copytree(tmp_path / "first", tmp_path / "copy")
    if is_image:  # of the whole disk, with the number by which that knows the file
        lock_file = tmp_path / "copy" / "lineside-history.lock"
        word, _ = lock_file.read_text().split()
        lock_file.write_text(f"{word} {lock_file.stat().st_ino}\n")
    second = await servers.start("copy")

    def errors() -> list[bool]:
        return ["another Lineside" in each.health().error for each in (first, second)]

    await servers.until(
        lambda: errors() == [is_image, not is_image], "both record, or none, or the wrong one"
    )
    recording = second if is_image else first
    written = recording.health().written
    servers.turn(Status.ERROR)
    await servers.until(lambda: recording.health().written > written, "nothing is recorded")
    for _ in range(20):
        servers.tick()
        assert errors().count(True) == 1
    assert await count(recording, "alarm") <= 1
    for each in list(servers.running):
        await servers.stop(each)


async def test_a_start_takes_over_at_once_from_the_one_before_it_in_the_same_folder(
    url: str,
) -> None:
    database = Database(url)
    before = Lease("a", "1", "plant-1", "the database")
    after = Lease("a", "2", "plant-1", "the database")
    try:
        for each in (before, after):
            async with database.writing() as connection:
                await each.hold(connection)
        # The one before is alive after all: it does not take it back.
        again = Lease("a", "1", "plant-1", "the database", may_succeed=False)
        for each in (before, again):
            with pytest.raises(AnotherRecords):
                async with database.writing() as connection:
                    await each.hold(connection)
    finally:
        await database.close()


async def test_two_servers_in_one_folder_do_not_tell_the_same_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_module, "RETRY_S", 0.02)
    servers = Servers(None, tmp_path)
    first = await servers.start("same")
    await servers.until(lambda: first.health().written > 0, "the first does not record")
    second = await servers.start("same")
    await servers.until(lambda: "another Lineside" in second.health().error, "nothing is told")
    recalling = [asyncio.create_task(each.recall_alarms()) for each in (first, second)]
    try:
        await servers.until(lambda: first.alarms.is_recalled, "nothing is recalled")
        servers.turn(Status.ERROR)
        await servers.until(lambda: len(second.alarms.book) == 1, "the second sees no fault")
        await servers.until(lambda: first.health().queued == 0, "the first lags")
        await servers.stop(first)
        await servers.until(lambda: second.alarms.is_recalled, "it does not take over")
        await servers.until(lambda: second.health().queued == 0, "the second lags")
        assert await count(second, "run") == 2
        assert await count(second, "alarm") == 1
        assert await count(second, "state_change") == 3  # of the first two, and what is there now
    finally:
        for task in recalling:
            task.cancel()
        await asyncio.wait(recalling)
        for each in list(servers.running):
            await servers.stop(each)


async def test_whoever_has_lost_the_lease_writes_nothing(url: str) -> None:
    first, second = (Database(url) for _ in range(2))
    old = Store(first, lease=Lease("a", "1", "plant-1", "the database"))
    new = Store(second, lease=Lease("b", "1", "plant-2", "the database"))
    batch = a_batch(a_run(), [a_change(1, T0_MS)])
    try:
        await old.write([batch])
        with pytest.raises(AnotherRecords, match=r"another Lineside \(plant-1\)"):
            await new.write([batch])
        async with first.writing() as connection:  # as if nothing was heard of it for a while
            await connection.execute(text("UPDATE recorder SET until_ms = 0"))
        await new.write([batch])
        later = a_batch(a_run(2), [a_change(1, T0_MS + 5)])
        with pytest.raises(AnotherRecords, match=r"another Lineside \(plant-2\)"):
            await old.write([later])
        assert len(await new.changes([code(101)], 0, 2 * T0_MS)) == 1
    finally:
        await first.close()
        await second.close()


async def test_a_server_that_was_killed_goes_on_at_once_when_it_is_started_again(
    url: str, tmp_path: Path
) -> None:
    servers = Servers(url, tmp_path)
    first = await servers.start("same")
    await servers.until(lambda: first.health().written > 0, "it does not record")
    await servers.stop(first)
    token = (tmp_path / "same" / "lineside-history.lock").read_text().strip()
    database = Database(url)
    async with database.writing() as connection:  # a server that was killed gives nothing back
        far = "UPDATE recorder SET until_ms = 4102444800000"
        await connection.execute(text(far))
        holder = await connection.scalar(text("SELECT holder FROM recorder"))
    await database.close()
    assert holder.split()[0] == token.split()[0]
    again = await servers.start("same")
    try:
        await servers.until(lambda: again.health().written > 0, "it waits for itself")
    finally:
        await servers.stop(again)
    with contextlib.suppress(FileNotFoundError):
        assert not list((tmp_path / "same" / "lineside-history.spool").glob("*.spool"))


async def test_a_server_that_has_lost_the_lease_stands_by_until_it_can_have_it_back(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_module, "RETRY_S", 0.02)
    servers = Servers(url, tmp_path)
    server = await servers.start("first")
    database = Database(url)

    async def sign(holder: str, until_ms: int) -> None:
        changed = text("UPDATE recorder SET holder = :holder, shown = 'plant-3', until_ms = :until")
        async with database.writing() as connection:
            await connection.execute(changed, {"holder": holder, "until": until_ms})

    try:
        await servers.until(lambda: server.health().written > 0, "it does not record")
        await sign("another", 4_102_444_800_000)
        await servers.until(
            lambda: not server.is_open and "(plant-3) records into" in server.health().error,
            "it goes on as if nothing had happened",
        )
        servers.turn(Status.ERROR)
        await sign("another", 0)
        await servers.until(lambda: server.is_open and not server.health().is_behind, "not back")
        await servers.until(lambda: server.health().queued == 0, "it lags")
        now_ms = round(system_clock().unix_s * 1000)
        changes = await server.ask(lambda store: store.changes([code(101)], 0, now_ms + 1))
        assert [each.status for each in changes] == ["running", "error"]
        assert await count(server, "run") == 2
    finally:
        await servers.stop(server)
        await database.close()
