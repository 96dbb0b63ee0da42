"""What happened to PLCs and to the server, and the config of a moment, over HTTP."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pyarrow.parquet
import pytest
from msgspec.structs import replace

from builders import T0_S, WebPlant, line, site
from core.calendars import plant as calendar
from history.told import T0_MS, a_batch, a_run
from lineside.core.model import PlcLink, Site
from lineside.history.records import PlcRecord, ServerEventKind, ServerRecord, config_record
from web.memory import get, remembering

DAY = "from=2025-11-03T00:00:00Z&to=2025-11-04T00:00:00%2B00:00"
PLC_EVENTS, SERVER_EVENTS = f"/api/plc-events?{DAY}", f"/api/server-events?{DAY}"
FIRST = replace(site(), calendar=calendar())
SECOND = replace(FIRST, lines=(line("weld1", range(101, 103)),))


def of_plc(seq: int, plc_id: str, link: PlcLink, fault: str = "") -> PlcRecord:
    return PlcRecord(
        seq=seq,
        plc_id=plc_id,
        at_ms=T0_MS + seq * 1000,
        link=link,
        fault=fault,
        cause="a cable?" if fault else "",
        end_code=0x59 if fault else None,
    )


@pytest.fixture
async def plant(tmp_path: Path) -> AsyncIterator[WebPlant]:
    """Five events of three PLCs, one of which is configured no more, and three of the server."""
    events = [
        of_plc(2, "PLC01", PlcLink.ONLINE),
        of_plc(3, "PLC02", PlcLink.ONLINE),
        of_plc(4, "PLC01", PlcLink.LOST, "no answer"),
        of_plc(5, "PLC77", PlcLink.LOST, "=no answer"),
        of_plc(6, "PLC01", PlcLink.ONLINE),
    ]
    server = [
        ServerRecord(seq=7, at_ms=T0_MS + 7000, kind=ServerEventKind.START, detail="1.2.3"),
        ServerRecord(seq=9, at_ms=T0_MS + 9000, kind=ServerEventKind.CONFIG),
        ServerRecord(seq=10, at_ms=T0_MS + 10_000, kind=ServerEventKind.STOP),
    ]
    configs = [config_record(1, T0_MS, FIRST), config_record(8, T0_MS + 8000, SECOND)]
    batch = a_batch(a_run(), [configs[0], *events, server[0], configs[1], *server[1:]])
    built, history = await remembering(tmp_path, FIRST, [batch], now_s=T0_S + 60)
    yield built
    history.stop()
    await history.wait_stopped(60)


async def rows_of(plant: WebPlant, path: str) -> list[dict[str, str]]:
    answer = await plant.ask(path)
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


async def test_events_of_plcs_say_when_and_why(plant: WebPlant) -> None:
    body = await get(plant, PLC_EVENTS)
    assert body["next"] is None
    assert [(e["plc_id"], e["link"]) for e in body["events"]] == [
        ("PLC01", "online"),
        ("PLC02", "online"),
        ("PLC01", "lost"),
        ("PLC77", "lost"),
        ("PLC01", "online"),
    ]
    assert body["events"][2] == {
        "at": "2025-11-03T10:30:49.000Z",
        "plc_id": "PLC01",
        "link": "lost",
        "fault": "no answer",
        "cause": "a cable?",
        "end_code": "0059",
    }
    assert [body["events"][4][key] for key in ("fault", "cause", "end_code")] == [None] * 3


async def test_events_of_one_plc(plant: WebPlant) -> None:
    body = await get(plant, f"{PLC_EVENTS}&plc=PLC01")
    assert [event["link"] for event in body["events"]] == ["online", "lost", "online"]


async def test_events_of_the_server(plant: WebPlant) -> None:
    body = await get(plant, SERVER_EVENTS)
    assert body["next"] is None
    # The history under test records its own start today, outside of this window.
    assert body["events"] == [
        {"at": "2025-11-03T10:30:52.000Z", "kind": "start", "detail": "1.2.3"},
        {"at": "2025-11-03T10:30:54.000Z", "kind": "config", "detail": ""},
        {"at": "2025-11-03T10:30:55.000Z", "kind": "stop", "detail": ""},
    ]


@pytest.mark.parametrize(
    ("path", "sizes"),
    [(PLC_EVENTS, [2, 2, 1]), (f"{PLC_EVENTS}&plc=PLC01", [2, 1]), (SERVER_EVENTS, [2, 1])],
)
async def test_pages_follow_each_other(plant: WebPlant, path: str, sizes: list[int]) -> None:
    whole = (await get(plant, path))["events"]
    pages = [await get(plant, f"{path}&limit=2")]
    while pages[-1]["next"] is not None:
        pages.append(await get(plant, f"{path}&limit=2&cursor={pages[-1]['next']}"))
    assert [len(page["events"]) for page in pages] == sizes
    assert [event for page in pages for event in page["events"]] == whole


async def test_the_window_is_read_in_any_offset_and_ends_before_its_end(plant: WebPlant) -> None:
    window = "from=2025-11-03T19:30:52%2B09:00&to=2025-11-03T05:30:54-05:00"
    body = await get(plant, f"/api/server-events?{window}")
    assert [event["kind"] for event in body["events"]] == ["start"]


@pytest.mark.parametrize("path", [PLC_EVENTS, SERVER_EVENTS, "/api/config?at=2025-11-03T10:31:00Z"])
async def test_an_answer_that_the_client_holds_is_not_sent_again(
    plant: WebPlant, path: str
) -> None:
    answer = await plant.ask(path)
    again = await plant.ask(path, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("seconds", "since", "known"),
    [
        ("45", "2025-11-03T10:30:45.000Z", FIRST),
        ("52", "2025-11-03T10:30:45.000Z", FIRST),
        ("53", "2025-11-03T10:30:53.000Z", SECOND),
    ],
)
async def test_the_config_of_a_moment(
    plant: WebPlant, seconds: str, since: str, known: Site
) -> None:
    body = await get(plant, f"/api/config?at=2025-11-03T19:30:{seconds}%2B09:00")
    assert body["since"] == since
    assert body["fingerprint"] == config_record(1, 0, known).fingerprint
    assert msgspec.convert(body["site"], Site) == known


async def test_before_the_first_config_there_is_none(plant: WebPlant) -> None:
    answer = await plant.ask("/api/config?at=2025-11-03T10:30:44Z")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("path", "status", "named"),
    [
        ("/api/plc-events", 422, "from"),
        ("/api/plc-events?from=2025-11-03T00:00:00&to=2025-11-04T00:00:00Z", 422, "from"),
        ("/api/server-events?from=2025-11-04T00:00:00Z&to=2025-11-03T00:00:00Z", 422, "to"),
        ("/api/server-events?from=2020-01-01T00:00:00Z&to=2025-11-03T00:00:00Z", 422, "400 days"),
        (f"{PLC_EVENTS}&limit=0", 422, "limit"),
        (f"{SERVER_EVENTS}&limit=1001", 422, "limit"),
        (f"{PLC_EVENTS}&cursor=1.2", 422, "cursor"),
        (f"{PLC_EVENTS}&plc=PLC1", 404, "PLC1"),
        ("/api/config", 422, "at"),
        ("/api/config?at=1969-12-31T00:00:00Z", 422, "at"),
    ],
)
async def test_a_question_that_makes_no_sense_is_refused_with_the_parameter(
    plant: WebPlant, path: str, status: int, named: str
) -> None:
    answer = await plant.ask(path)
    assert (answer.status_code, answer.headers["content-type"]) == (
        status,
        "application/problem+json",
    )
    assert named in answer.json()["detail"]


async def test_a_history_that_is_switched_off_says_so() -> None:
    plant = WebPlant.ticking(FIRST)
    for path in (PLC_EVENTS, SERVER_EVENTS, "/api/config?at=2025-11-03T10:31:00Z"):
        answer = await plant.ask(path)
        assert answer.status_code == 503
        assert "switched off" in answer.json()["detail"]


async def test_events_as_csv_by_the_clock_of_the_plant(plant: WebPlant) -> None:
    rows = await rows_of(plant, f"/api/export/plc-events.csv?{DAY}")
    assert [(row["plc_id"], row["link"]) for row in rows][2:4] == [
        ("PLC01", "lost"),
        ("PLC77", "lost"),
    ]
    assert rows[2]["at_utc"] == "2025-11-03T10:30:49.000Z"
    assert rows[2]["at"] == "2025-11-03 19:30:49"
    assert (rows[2]["cause"], rows[2]["end_code"]) == ("a cable?", "0059")
    assert rows[3]["fault"] == "'=no answer"
    server = await rows_of(plant, f"/api/export/server-events.csv?{DAY}")
    assert [row["kind"] for row in server] == ["start", "config", "stop"]


async def test_events_of_a_line_are_those_of_its_plcs(plant: WebPlant) -> None:
    rows = await rows_of(plant, f"/api/export/plc-events.csv?{DAY}&line=pack")
    assert [row["plc_id"] for row in rows] == ["PLC01"] * 3
    server = await rows_of(plant, f"/api/export/server-events.csv?{DAY}&line=pack")
    assert len(server) == 3


async def test_events_as_excel_and_parquet(plant: WebPlant) -> None:
    for kind, count in (("plc-events", 5), ("server-events", 3)):
        excel = await plant.ask(f"/api/export/{kind}.xlsx?{DAY}")
        assert excel.content.startswith(b"PK")
        assert f"lineside-{kind}-2025-11-03.xlsx" in excel.headers["content-disposition"]
        answer = await plant.ask(f"/api/export/{kind}.parquet?{DAY}")
        assert pyarrow.parquet.read_table(io.BytesIO(answer.content)).num_rows == count
