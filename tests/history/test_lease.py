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
from lineside.core.model import Instant, Status
from lineside.core.ports import BusMessage, Clock
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

    async def start(
        self, name: str, clock: Clock = system_clock, url: str | None = None
    ) -> History:
        settings = HistorySettings(folder=self._folder / name, url=url or self._url)
        history = History(settings, clock, "1.2.3", alive_s=0.1)
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
        assert first.knows_alarms()
        assert not second.knows_alarms()
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
        await servers.until(lambda: second.knows_alarms(), "it recalls no alarms")
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

    told_on_the_way = []
    close = Database.close

    async def close_looked_at(database: Database) -> None:
        told_on_the_way.append(errors())
        await close(database)

    monkeypatch.setattr(Database, "close", close_looked_at)
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
    assert bool(told_on_the_way) == is_image, "only one that has begun has to give up"
    assert all(told == [is_image, not is_image] for told in told_on_the_way)
    assert await count(recording, "alarm") <= 1
    for each in list(servers.running):
        await servers.stop(each)


async def test_a_start_takes_over_at_once_from_the_one_before_it_in_the_same_folder(
    url: str,
) -> None:
    database = Database(url)
    before = Lease("a", "1", "plant-1", "the database", system_clock)
    after = Lease("a", "2", "plant-1", "the database", system_clock)
    try:
        for each in (before, after):
            async with database.writing() as connection:
                await each.hold(connection)
        # The one before is alive after all: it does not take it back.
        again = Lease("a", "1", "plant-1", "the database", system_clock, may_succeed=False)
        for each in (before, again):
            with pytest.raises(AnotherRecords):
                async with database.writing() as connection:
                    await each.hold(connection)
    finally:
        await database.close()


async def test_a_lease_that_another_one_has_had_meanwhile_is_begun_anew(url: str) -> None:
    database = Database(url)
    first, second = (
        Lease(folder, "1", f"plant-{folder}", "the database", system_clock) for folder in "ab"
    )

    async def hold(lease: Lease, *, is_undone: bool = False) -> None:
        async with database.writing() as connection:
            await lease.hold(connection)
            if is_undone:
                raise HistoryError("the disk is full")
        lease.confirm()

    async def run_out() -> None:
        async with database.writing() as connection:
            await connection.execute(text("UPDATE recorder SET until_ms = 0"))

    try:
        await hold(second)
        await run_out()
        # What was before its own time is none of its business, also when it takes two attempts.
        with pytest.raises(HistoryError, match="disk"):
            await hold(first, is_undone=True)
        await hold(first)
        assert first.is_sure
        await run_out()
        await hold(first)
        await run_out()
        with pytest.raises(AnotherRecords, match=r"\(plant-a\) has recorded .* meanwhile"):
            await hold(second)
        assert not second.is_sure
        again = Lease("b", "1", "plant-b", "the database", system_clock, may_succeed=False)
        await hold(again)
        assert again.is_after_another
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
    old = Store(first, lease=Lease("a", "1", "plant-1", "the database", system_clock))
    new = Store(second, lease=Lease("b", "1", "plant-2", "the database", system_clock))
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
        await servers.until(lambda: not server.recorder, "what another records is recorded twice")
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


async def test_a_server_that_cannot_reach_the_database_does_nothing_once_another_may_record(
    postgres: PostgreSQL, url: str, tmp_path: Path
) -> None:
    """As long as nobody else can have the lease, what people do is kept in the spool."""
    name, later_s = url.rpartition("/")[2], 0.0

    def clock() -> Instant:
        now = system_clock()
        return replace(now, monotonic_s=now.monotonic_s + later_s)

    servers = Servers(url, tmp_path)
    server = await servers.start("first", clock)
    await servers.until(lambda: server.health().written > 0, "it does not record")
    recalling = asyncio.create_task(server.recall_alarms())
    await servers.until(lambda: server.alarms.is_recalled, "nothing is recalled")
    await recalling
    servers.turn(Status.ERROR)
    await servers.until(lambda: server.health().queued == 0, "it lags")
    try:
        postgres.shut(name)
        await servers.until(lambda: server.health().is_behind, "it reaches the database")
        (alarm,) = server.alarms.book
        at_ms = round(system_clock().unix_s * 1000)
        seen = AlarmEvent(kind=AlarmEventKind.ACKNOWLEDGED, at_ms=at_ms, by="Kim")
        said = replace(seen, kind=AlarmEventKind.COMMENTED, text="door")
        alarm = await server.act(alarm, seen)
        assert server.health().spooled
        later_s = 31.0
        with pytest.raises(HistoryError, match=r"nothing was done, for another .* may record now"):
            await server.act(alarm, said)
        assert list(server.alarms.book) == [alarm]
        postgres.admit(name)
        await servers.until(lambda: not server.health().is_behind, "it does not come back")
        assert (await server.act(alarm, said)).comments[-1].text == "door"
    finally:
        postgres.admit(name)
        await servers.stop(server)


@pytest.mark.parametrize("is_back_in_time", [True, False])
async def test_what_was_done_at_both_of_two_servers_is_what_the_alarm_comes_to(
    postgres: PostgreSQL,
    url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    is_back_in_time: bool,
) -> None:
    """The one that was cut off has it from its spool when it records again, and begins anew then.

    It does so too when the other one has ended before it could hear of it.
    """
    monkeypatch.setattr(service_module, "RETRY_S", 0.02)
    servers = Servers(url, tmp_path)
    user = f"cut_off_{is_back_in_time}".lower()
    alone = postgres.url_for(url.rpartition("/")[2], user)
    first = await servers.start("first", url=alone)

    async def recall(server: History) -> None:
        while True:
            await server.recall_alarms()
            await asyncio.sleep(0.05)

    recalling = [asyncio.create_task(recall(first))]
    database = Database(url)
    try:
        await servers.until(lambda: first.alarms.is_recalled, "nothing is recalled")
        servers.turn(Status.ERROR)
        (alarm,) = first.alarms.book
        await servers.until(lambda: not first.health().queued, "the first lags")
        postgres.bar(user)
        await servers.until(lambda: first.health().is_behind, "the first is not cut off")
        at_ms = round(system_clock().unix_s * 1000)
        seen = AlarmEvent(kind=AlarmEventKind.ACKNOWLEDGED, at_ms=at_ms, by="Kim", text="seen")
        await first.act(alarm, seen)
        second = await servers.start("second")
        recalling.append(asyncio.create_task(recall(second)))
        async with database.writing() as connection:  # as if 30 s had passed
            await connection.execute(text("UPDATE recorder SET until_ms = 0"))
        await servers.until(
            lambda: second.is_open and len(second.alarms.book) == 1, "the second does not take over"
        )
        (there,) = second.alarms.book
        assert (there.id, there.acknowledged_by) == (alarm.id, None)
        said = AlarmEvent(kind=AlarmEventKind.COMMENTED, at_ms=at_ms + 1, by="Lee", text="door")
        await second.act(there, said)
        desk = first.alarms
        if is_back_in_time:
            postgres.unbar(user)
            await servers.until(lambda: "another" in first.health().error, "the first goes on")
        await servers.stop(second)
        postgres.unbar(user)
        await servers.until(
            lambda: first.alarms is not desk and first.alarms.is_recalled, "it does not begin anew"
        )
        await servers.until(lambda: not first.health().is_behind, "the first lags")
        (both,) = first.alarms.book
        assert (both.id, both.acknowledged_by) == (alarm.id, "Kim")
        assert [each.text for each in both.comments] == ["seen", "door"]
        assert await first.ask(lambda store: store.alarms.alarm(alarm.id)) == both
    finally:
        postgres.unbar(user)
        for task in recalling:
            task.cancel()
        await asyncio.wait(recalling)
        for each in list(servers.running):
            await servers.stop(each)
        await database.close()
