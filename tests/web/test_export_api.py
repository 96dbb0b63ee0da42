"""Exports over HTTP: what Excel and pandas find in the files."""

from __future__ import annotations

import asyncio
import csv
import io
import itertools
import sys
import zipfile
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pyarrow.parquet
import pytest
from msgspec.structs import replace
from starlette.types import Message

from builders import WebPlant, code, site
from core.calendars import ms, shift
from core.calendars import plant as calendar
from lineside.core.model import DowntimeReason
from lineside.history.export_files import ExportError
from lineside.history.export_rows import SOURCES, Row
from lineside.history.export_wish import Ask, ExportWish
from lineside.web.download import Download
from web.memory import MINUTE_MS, remembering, told

DAY_MS = ms("2025-11-03 08:00")
SITE = replace(
    site(),
    calendar=calendar(shift("day", "08:00-12:00", "10:00-10:10")),
    downtime_reasons=(DowntimeReason(code="M20", name="자재 대기"),),
)
DAY = "from=2025-11-03T00:00:00%2B09:00&to=2025-11-04T00:00:00%2B09:00"
CHANGES = f"/api/export/changes.csv?{DAY}"
FIRST = "r" * 60 + "i" * 5 + "s" * 15 + "r" * 160


@pytest.fixture
async def plant(tmp_path: Path) -> AsyncIterator[WebPlant]:
    batches = told(SITE, DAY_MS, {101: FIRST, 102: "r" * 240})
    now_s = (DAY_MS + 240 * MINUTE_MS) / 1000
    built, history = await remembering(tmp_path, SITE, batches, now_s=now_s)
    yield built
    history.stop()
    await history.wait_stopped(60)


async def get(plant: WebPlant, path: str) -> httpx.Response:
    answer = await plant.ask(path)
    assert answer.status_code == 200, answer.text
    return answer


def rows_of(answer: httpx.Response) -> list[dict[str, str]]:
    assert answer.content.startswith(b"\xef\xbb\xbf"), "without its mark Excel misreads Korean"
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


async def test_changes_as_csv(plant: WebPlant) -> None:
    answer = await get(plant, f"/api/export/changes.csv?line=weld1&{DAY}")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "lineside-changes-2025-11-03.csv" in answer.headers["content-disposition"]
    assert answer.headers["cache-control"] == "no-store"
    assert "etag" not in answer.headers
    rows = rows_of(answer)
    assert [(row["code"], row["status"]) for row in rows] == [
        (code(101), "running"),
        (code(102), "running"),
        (code(101), "idle"),
        (code(101), "stopped"),
        (code(101), "running"),
    ]
    assert rows[2]["at"] == "2025-11-03 09:00:00"
    assert rows[2]["at_utc"] == "2025-11-03T00:00:00.000Z"
    assert rows[0]["name"] == "로봇 용접 101"


async def test_intervals_tile_the_window_across_the_weeks(plant: WebPlant) -> None:
    window = "from=2025-10-20T00:00:00%2B09:00&to=2025-11-04T00:00:00%2B09:00"
    rows = rows_of(await get(plant, f"/api/export/intervals.csv?code={code(101)}&{window}"))
    assert [row["status"] for row in rows] == ["unseen", "running", "idle", "stopped", "running"]
    for one, other in itertools.pairwise(rows):
        assert one["end"] == other["begin"]
    assert sum(int(row["duration_ms"]) for row in rows) == DAY_MS + 240 * MINUTE_MS - ms(
        "2025-10-20 00:00"
    )


async def test_kpis_say_what_the_rest_interface_says(plant: WebPlant) -> None:
    rows = rows_of(await get(plant, f"/api/export/kpis.csv?{DAY}&grain=shift"))
    answer = await get(plant, f"/api/kpis?{DAY}&grain=shift")
    told_rows = answer.json()["rows"]
    assert len(rows) == len(told_rows) == 7
    for row, other in zip(rows, told_rows, strict=True):
        assert row["code"] == other["code"]
        assert int(row["running_ms"]) == other["running_ms"]
        assert row["availability"] == ("" if other["availability"] is None else "1.0") or float(
            row["availability"]
        ) == pytest.approx(other["availability"])


async def test_stops_come_with_their_reasons_and_never_as_formulas(plant: WebPlant) -> None:
    stop = f"/api/stops/{code(101)}@{DAY_MS + 60 * MINUTE_MS}/reason"
    body = {"by": "@김", "reason": "M20", "comment": "=1+1"}
    assert (await plant.ask(stop, method="POST", body=body)).status_code == 200
    (row,) = rows_of(await get(plant, f"/api/export/stops.csv?{DAY}"))
    assert (row["reason"], row["reason_name"]) == ("M20", "자재 대기")
    assert (row["comment"], row["by"]) == ("'=1+1", "'@김")
    assert int(row["down_ms"]) == 20 * MINUTE_MS
    book = zipfile.ZipFile(io.BytesIO((await get(plant, f"/api/export/stops.xlsx?{DAY}")).content))
    sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert "=1+1" in sheet
    assert "자재 대기" in sheet


async def test_excel_has_real_times(plant: WebPlant) -> None:
    answer = await get(plant, f"/api/export/changes.xlsx?code={code(101)}&{DAY}")
    book = zipfile.ZipFile(io.BytesIO(answer.content))
    sheet = book.read("xl/worksheets/sheet1.xml").decode()
    # 2025-11-03 09:00 by the plant's clock, in days since the end of 1899.
    assert "<v>45964.375</v>" in sheet
    assert sheet.count("<row ") == 5


async def test_an_export_that_fails_in_its_second_batch_leaves_no_file(
    plant: WebPlant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = SOURCES["changes"]

    async def fails(ask: Ask, wish: ExportWish) -> AsyncIterator[list[Row]]:
        async for rows in source.batches(ask, wish):
            yield rows
            raise ExportError("too many rows")

    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    monkeypatch.setitem(SOURCES, "changes", replace(source, batches=fails))
    assert (await plant.ask(f"/api/export/changes.xlsx?{DAY}")).status_code == 409
    assert list(folder.iterdir()) == []


async def test_a_finished_excel_export_leaves_no_file(
    plant: WebPlant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    assert (await get(plant, f"/api/export/changes.xlsx?{DAY}")).content
    assert list(folder.iterdir()) == []


async def test_parquet_has_a_type_for_each_column(plant: WebPlant) -> None:
    answer = await get(plant, f"/api/export/kpis.parquet?{DAY}")
    table = pyarrow.parquet.read_table(io.BytesIO(answer.content))
    assert table.num_rows == 7
    first = table.to_pylist()[0]
    assert first["begin"] == datetime(2025, 11, 2, 15, tzinfo=UTC)
    assert first["running_ms"] == 210 * MINUTE_MS
    assert str(table.schema.field("availability").type) == "double"


async def test_an_export_without_rows_has_a_header(plant: WebPlant) -> None:
    window = "from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z"
    for format_ in ("csv", "xlsx", "parquet"):
        answer = await get(plant, f"/api/export/changes.{format_}?{window}")
        assert answer.content


async def test_without_the_library_for_parquet_the_answer_says_what_to_install(
    plant: WebPlant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    answer = await plant.ask(f"/api/export/changes.parquet?{DAY}")
    assert answer.status_code == 501
    assert "pip install 'lineside[parquet]'" in answer.json()["detail"]


async def test_a_body_that_nobody_takes_ends_and_closes_what_makes_it() -> None:
    closed = []

    async def chunks() -> AsyncGenerator[bytes, None]:
        try:
            yield b"first"
            yield b"second"
        finally:
            closed.append(True)

    sent = []

    async def send(message: Message) -> None:
        sent.append(message["type"])
        if len(sent) == 2:
            await asyncio.Event().wait()

    answer = Download(chunks(), media_type="text/csv", headers={}, taken_within_s=0.01)
    await answer.stream_response(send)
    assert sent == ["http.response.start", "http.response.body"]
    assert closed == [True]


async def stall(plant: WebPlant, is_stalled: asyncio.Event) -> None:
    """Ask for an export and read nothing of it."""
    path, _, query = CHANGES.partition("?")
    scope = {
        **{"type": "http", "method": "GET", "path": path, "raw_path": path.encode()},
        **{"query_string": query.encode(), "headers": [], "http_version": "1.1"},
        **{"scheme": "http", "server": ("plant", 8000), "client": ("127.0.0.1", 5000)},
        "asgi": {"version": "3.0"},
    }
    never = asyncio.Event()
    requests = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Message:
        if not requests:
            await never.wait()
        return requests.pop()

    async def send(message: Message) -> None:
        is_stalled.set()
        if message["type"] == "http.response.body":
            await never.wait()

    await plant.app(scope, receive, send)


async def test_an_address_has_one_export_at_a_time_and_leaving_it_makes_room(
    plant: WebPlant,
) -> None:
    is_stalled = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        stalled = tasks.create_task(stall(plant, is_stalled))
        await is_stalled.wait()
        refused = await plant.ask(CHANGES)
        stalled.cancel()
    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "10"
    assert "for this address" in refused.json()["detail"]
    assert len(rows_of(await get(plant, CHANGES))) == 5


async def test_a_client_that_reads_nothing_makes_room_after_a_while(
    plant: WebPlant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lineside.web.export_api.TAKEN_WITHIN_S", 0.05)
    is_stalled = asyncio.Event()
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        tasks.create_task(stall(plant, is_stalled))
    assert is_stalled.is_set()
    assert len(rows_of(await get(plant, CHANGES))) == 5


@pytest.mark.parametrize(
    ("path", "status", "named"),
    [
        (f"/api/export/secrets.csv?{DAY}", 422, "kind"),
        (f"/api/export/changes.doc?{DAY}", 422, "format"),
        ("/api/export/changes.csv?from=2025-11-03T00:00:00Z", 422, "to"),
        (f"/api/export/changes.csv?{DAY}&code=X", 404, "X"),
    ],
)
async def test_bad_wishes_are_refused_with_the_name_of_the_parameter(
    plant: WebPlant, path: str, status: int, named: str
) -> None:
    answer = await plant.ask(path)
    assert answer.status_code == status
    assert named in answer.json()["detail"]
