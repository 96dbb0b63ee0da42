"""Alarms over HTTP, answered by a real history, and what people may do to them."""

from __future__ import annotations

import csv
import io
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pyarrow.parquet
import pytest
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from builders import T0_S, WebPlant, code, line, site, state_change
from builders import site_change as a_site_change
from history.alarms import raised, told
from history.told import T0_MS, a_batch, a_run
from lineside.core.alarm import AlarmEventKind as E
from lineside.core.alarm_text import AlarmRules
from lineside.core.model import Status
from lineside.history import database as database_module
from web.alarm_scene import KIM, Scene


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    scene = await Scene.opened(tmp_path)
    yield scene
    scene.history.stop()
    await scene.history.wait_stopped(60)


async def test_alarms_are_listed_the_last_raised_first(scene: Scene) -> None:
    body = await scene.get("/api/alarms")
    assert body["is_complete"] is True
    assert [alarm["code"] for alarm in body["alarms"]] == [code(n) for n in (103, 102, 101)]
    first = body["alarms"][0]
    assert (first["state"], first["severity"], first["is_on"]) == ("unacknowledged", "high", True)
    assert first["raised"] == "2025-11-03T10:30:48.000Z"
    assert (first["text_ko"], first["text_en"]) == ("설비 이상", "Machine fault")
    assert (first["kind"], first["plc_id"], first["line_id"]) == ("equipment", "PLC01", "weld1")
    assert isinstance(first["id"], int)
    assert first["id"] < 2**53


@pytest.mark.parametrize("extra", ["", "&state=unacknowledged&state=shelved"])
async def test_pages_follow_each_other_from_memory_and_from_the_database(
    scene: Scene, extra: str
) -> None:
    seen, cursor = [], ""
    for _ in range(3):
        body = await scene.get(f"/api/alarms?limit=1{extra}{cursor}")
        seen += [alarm["code"][-3:] for alarm in body["alarms"]]
        cursor = f"&cursor={body['next']}"
    assert seen == ["103", "102", "101"]
    assert body["next"] is None


PAGED = ["", "&state=unacknowledged&state=shelved", "&from=2025-11-03T00:00:00Z"]


@pytest.mark.parametrize("extra", [*PAGED, f"{PAGED[-1]}&to=2025-11-03T11:00:00Z"])
async def test_an_alarm_that_is_raised_again_while_pages_are_read_is_on_one_of_them(
    scene: Scene, extra: str
) -> None:
    body = await scene.get(f"/api/alarms?limit=1{extra}")
    seen = [alarm["code"][-3:] for alarm in body["alarms"]]
    assert seen == ["103"]
    while body["next"] is not None:
        for number in (101, 102):  # in front of all that is still to come
            scene.clock.turn(1.0)
            scene.hear(state_change(number, Status.RUNNING, at_s=scene.clock.unix_s))
            scene.clock.turn(1.0)
            scene.hear(state_change(number, Status.ERROR, at_s=scene.clock.unix_s))
        await scene.stored()
        body = await scene.get(f"/api/alarms?limit=1{extra}&cursor={body['next']}")
        seen += [alarm["code"][-3:] for alarm in body["alarms"]]
        assert len(seen) < 9, "it goes on for ever"
    assert seen == ["103", "102", "101"]


async def test_a_page_that_is_all_out_of_date_in_the_database_is_not_the_last_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "LOCK_WAIT_S", 0.1)
    scene = await Scene.opened(tmp_path)
    wanted = "state=normal&state=unacknowledged&limit=1"
    alarm, first = raised(9, at_ms=T0_MS - 9_000)
    alarm, second = told(alarm, E.ACKNOWLEDGED, T0_MS - 8_000, "Kim")
    _, third = told(alarm, E.CLEARED, T0_MS - 7_000)
    older = [replace(each, seq=n) for n, each in enumerate((first, second, third), 1)]
    run = a_run(2, T0_MS - 10_000)
    await scene.history.ask(lambda store: store.write([a_batch(run, older)]))
    with closing(sqlite3.connect(tmp_path / "lineside-history.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for number in (103, 102, 101):  # which is kept in the spool
            await scene.post(f"/api/alarms/{await scene.id_of(number)}/acknowledge", KIM)
        body = await scene.get(f"/api/alarms?{wanted}")
        seen = body["alarms"]
        while body["next"] is not None:
            body = await scene.get(f"/api/alarms?{wanted}&cursor={body['next']}")
            seen += body["alarms"]
    assert [each["id"] for each in seen] == [9]
    scene.history.stop()
    assert await scene.history.wait_stopped(60)


async def test_filters(scene: Scene) -> None:
    acknowledged = await scene.id_of(102)
    await scene.post(f"/api/alarms/{acknowledged}/acknowledge", KIM)
    assert await scene.codes("state=acknowledged") == ["102"]
    assert await scene.codes("state=unacknowledged") == ["103", "101"]
    assert await scene.codes("state=normal&state=acknowledged") == ["102"]
    assert await scene.codes(f"code={code(101)}") == ["101"]
    assert await scene.codes("line=pack") == []
    assert await scene.codes("severity=low&severity=critical") == []
    assert await scene.codes("q=용접 103") == ["103"]
    assert await scene.codes("to=2025-11-03T10:30:47.500Z") == ["102", "101"]
    assert await scene.codes("from=2025-11-04T00:00:00Z") == ["103", "102", "101"]


BAD_QUESTIONS = [
    ("limit=0", 422, "limit"),
    ("limit=2000", 422, "limit"),
    ("cursor=x", 422, "cursor"),
    ("state=on", 422, "state"),
    ("from=2025-11-03T00:00:00", 422, "from"),
    ("from=2025-11-03T00:00:00Z&to=2025-11-02T00:00:00Z", 422, "must be later"),
    ("from=2024-11-03T00:00:00Z&to=2026-11-03T00:00:00Z", 422, "at most 400 days"),
    ("line=weld", 404, "did you mean weld1"),
    (f"code={code(999)}", 404, "There is no equipment"),
]


async def test_a_question_that_makes_no_sense_is_refused_in_plain_words(scene: Scene) -> None:
    for query, status, words in BAD_QUESTIONS:
        answer = await scene.ask(f"/api/alarms?{query}")
        assert answer.status_code == status, query
        assert words in answer.json()["detail"], query


async def test_an_answer_that_the_client_holds_is_not_sent_again(scene: Scene) -> None:
    for path in ("/api/alarms", "/api/alarms/recent?limit=2", "/api/alarms/statistics"):
        etag = (await scene.ask(path)).headers["etag"]
        again = await scene.ask(path, headers={"If-None-Match": etag})
        assert again.status_code == 304
    alarm_id = await scene.id_of(101)
    await scene.post(f"/api/alarms/{alarm_id}/comment", {**KIM, "text": "on my way"})
    etag = (await scene.ask("/api/alarms")).headers["etag"]
    await scene.post(f"/api/alarms/{alarm_id}/acknowledge", KIM)
    assert (await scene.ask("/api/alarms", headers={"If-None-Match": etag})).status_code == 200


async def test_recent_has_the_last_raised_whatever_has_become_of_them(scene: Scene) -> None:
    alarm_id = await scene.id_of(103)
    await scene.post(f"/api/alarms/{alarm_id}/acknowledge", KIM)
    scene.hear(state_change(103, Status.RUNNING, at_s=scene.clock.unix_s + 1))
    body = await scene.get("/api/alarms/recent?limit=2")
    assert [(a["code"][-3:], a["state"]) for a in body["alarms"]] == [
        ("103", "normal"),
        ("102", "unacknowledged"),
    ]


async def test_statistics_count_alarms_and_changes_of_every_machine(scene: Scene) -> None:
    body = await scene.get("/api/alarms/statistics?line=weld1")
    counts = {e["code"][-3:]: (e["alarms"], e["events"], e["standing"]) for e in body["equipment"]}
    assert counts == {
        "101": (1, 2, 1),
        "102": (1, 2, 1),
        "103": (1, 2, 1),
        "104": (0, 1, 0),
        "105": (0, 1, 0),
    }
    assert (body["begin"], body["end"]) == ("2025-11-02T10:31:00.000Z", "2025-11-03T10:31:00.000Z")


async def test_an_alarm_that_stands_counts_once_in_the_line_in_which_it_was_raised(
    scene: Scene,
) -> None:
    scene.hear(a_site_change(scene.site))
    first, second = scene.site.lines
    machine = next(each for each in first.equipment if each.code == code(102))
    stay = tuple(each for each in first.equipment if each is not machine)
    moved = (*second.equipment, replace(machine, line_id=second.id))
    lines = (replace(first, equipment=stay), replace(second, equipment=moved))
    scene.hear(a_site_change(replace(scene.site, lines=lines), at_s=scene.clock.unix_s + 1))
    await scene.stored()
    for days in (0, 2):  # then the move itself is out of the window
        scene.clock.turn(days * 86_400.0)
        rows = (await scene.get("/api/alarms/statistics"))["equipment"]
        mine = {row["line_id"]: row["standing"] for row in rows if row["code"] == code(102)}
        assert mine == {first.id: 1, second.id: 0}
        for name in (first.id, second.id):
            rows = (await scene.get(f"/api/alarms/statistics?line={name}"))["equipment"]
            listed = (await scene.get(f"/api/alarms?line={name}"))["alarms"]
            assert sum(row["standing"] for row in rows) == len(listed)


async def test_an_alarm_is_acknowledged_by_name_and_its_audit_is_kept(scene: Scene) -> None:
    alarm_id = await scene.id_of(101)
    path = f"/api/alarms/{alarm_id}"
    done = await scene.post(f"{path}/acknowledge", {**KIM, "comment": "도어 확인 중"})
    assert (done["state"], done["acknowledged_by"]) == ("acknowledged", "김철수")
    assert done["acknowledged"] == "2025-11-03T10:30:48.000Z"
    assert [each["text"] for each in done["comments"]] == ["도어 확인 중"]
    again = await scene.post(f"{path}/acknowledge", {"by": "Lee"}, 409)
    assert "김철수 acknowledged it at 2025-11-03T10:30:48.000Z" in again["detail"]
    body = await scene.get(path)
    assert [(e["event"], e["by"], e["text"]) for e in body["events"]] == [
        ("raised", "", ""),
        ("acknowledged", "김철수", "도어 확인 중"),
    ]
    assert body["alarm"] == done


async def test_what_lineside_notes_itself_is_no_text_of_anybody(scene: Scene) -> None:
    path = f"/api/alarms/{await scene.id_of(102)}"
    left = [machine for machine in scene.site.lines[0].equipment if machine.code != code(102)]
    smaller = replace(scene.site, lines=(replace(scene.site.lines[0], equipment=tuple(left)),))
    scene.hear(a_site_change(smaller))
    await scene.stored()
    events = (await scene.get(path))["events"]
    assert [(e["event"], e["by"], e["text"], e["note"]) for e in events] == [
        ("raised", "", "", None),
        ("removed", "", "", "not_configured"),
    ]


async def test_a_machine_that_was_taken_out_is_still_asked_for_and_counted(scene: Scene) -> None:
    left = [machine for machine in scene.site.lines[0].equipment if machine.code != code(102)]
    smaller = replace(scene.site, lines=(replace(scene.site.lines[0], equipment=tuple(left)),))
    scene.hear(a_site_change(scene.site))
    scene.hear(a_site_change(smaller, at_s=scene.clock.unix_s + 1))
    await scene.stored()
    assert await scene.codes(f"code={code(102)}") == ["102"]
    exported = await scene.ask(
        f"/api/export/alarms.csv?code={code(102)}&from=2025-11-03T00:00:00Z&to=2025-11-04T00:00:00Z"
    )
    assert exported.content.count(code(102).encode()) == 1
    body = await scene.get("/api/alarms/statistics?line=weld1")
    (found,) = [each for each in body["equipment"] if each["code"] == code(102)]
    assert (found["name"], found["alarms"], found["standing"]) == ("로봇 용접 102", 1, 0)
    answer = await scene.ask(f"/api/alarms?code={code(999)}")
    assert answer.status_code == 404


async def test_an_alarm_is_shelved_for_a_time_and_taken_off(scene: Scene) -> None:
    path = f"/api/alarms/{await scene.id_of(101)}"
    shelved = await scene.post(f"{path}/shelve", {**KIM, "minutes": 30})
    assert (shelved["state"], shelved["shelved_until"]) == ("shelved", "2025-11-03T11:00:48.000Z")
    refused = await scene.post(f"{path}/acknowledge", KIM, 409)
    assert "it is shelved until 2025-11-03T11:00:48.000Z" in refused["detail"]
    back = await scene.post(f"{path}/unshelve", KIM)
    assert (back["state"], back["shelved_until"]) == ("unacknowledged", None)
    await scene.post(f"{path}/unshelve", KIM, 409)


async def test_a_shelf_is_no_longer_than_the_configuration_allows(scene: Scene) -> None:
    rules = AlarmRules(shelf_max_s=3_600.0)
    scene.hear(a_site_change(replace(scene.site, alarm_rules=rules)))
    path = f"/api/alarms/{await scene.id_of(101)}/shelve"
    refused = await scene.post(path, {**KIM, "minutes": 61}, 422)
    assert "at most 60 minutes" in refused["detail"]
    assert "shelf_max" in refused["detail"]
    assert (await scene.post(path, {**KIM, "minutes": 60}))["state"] == "shelved"


async def test_what_is_over_can_still_be_commented(scene: Scene) -> None:
    path = f"/api/alarms/{await scene.id_of(101)}"
    scene.hear(state_change(101, Status.RUNNING, at_s=scene.clock.unix_s + 1))
    assert (await scene.post(f"{path}/acknowledge", KIM))["state"] == "normal"
    said = await scene.post(f"{path}/comment", {**KIM, "text": "센서 교체"})
    assert (said["state"], said["comments"][0]["by"]) == ("normal", "김철수")
    await scene.post(f"{path}/shelve", {**KIM, "minutes": 1}, 409)


async def test_several_are_acknowledged_at_once_and_those_that_cannot_be_are_named(
    scene: Scene,
) -> None:
    ids = [await scene.id_of(number) for number in (101, 102, 103)]
    await scene.post(f"/api/alarms/{ids[1]}/acknowledge", KIM)
    body = await scene.post("/api/alarms/acknowledge", {**KIM, "ids": [*ids, ids[0], 7]})
    assert [alarm["id"] for alarm in body["acknowledged"]] == [ids[0], ids[2]]
    assert [each["id"] for each in body["refused"]] == [ids[1], 7]
    assert "There is no alarm 7" in body["refused"][1]["detail"]


IMPOSSIBLE: list[tuple[str, object, int]] = [
    ("7/acknowledge", KIM, 404),
    ("x/acknowledge", KIM, 422),
    ("99999999999999999999999/acknowledge", KIM, 422),
    ("{id}/acknowledge", {}, 422),
    ("{id}/acknowledge", {"by": "  "}, 422),
    ("{id}/acknowledge", {"by": "x" * 61}, 422),
    ("{id}/acknowledge", {"by": "a\nb"}, 422),
    ("{id}/acknowledge", {**KIM, "state": "normal"}, 422),
    ("{id}/acknowledge", [], 422),
    ("{id}/shelve", KIM, 422),
    ("{id}/shelve", {**KIM, "minutes": 0}, 422),
    ("{id}/shelve", {**KIM, "minutes": 1441}, 422),
    ("{id}/comment", {**KIM, "text": " "}, 422),
    ("{id}/comment", {**KIM, "text": "x" * 1001}, 422),
    ("{id}/comment", {**KIM, "text": "x" * 70_000}, 413),
    ("acknowledge", {**KIM, "ids": []}, 422),
    ("{id}/delete", KIM, 405),
]


async def test_what_cannot_be_done_changes_nothing(scene: Scene) -> None:
    for template, body, status in IMPOSSIBLE:
        before = await scene.get("/api/alarms")
        path = template.format(id=before["alarms"][0]["id"])
        await scene.post(f"/api/alarms/{path}", body, status)
        assert await scene.get("/api/alarms") == before, path


ELSEWHERE: list[dict[str, str]] = [
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://plant:8000", "Host": "evil.example"},
    {"Origin": "http://plant.evil.example:8000"},
]


async def test_a_page_from_elsewhere_cannot_write(scene: Scene) -> None:
    for headers in ELSEWHERE:
        alarm_id = await scene.id_of(101)
        for path in (f"{alarm_id}/acknowledge", f"{alarm_id}/comment", "acknowledge"):
            body = {**KIM, "ids": [alarm_id]}
            answer = await scene.ask(
                f"/api/alarms/{path}", method="POST", headers=headers, body=body
            )
            assert answer.status_code in (403, 421), headers
            assert "access-control-allow-origin" not in answer.headers
        assert await scene.codes("state=unacknowledged") == ["103", "102", "101"]


async def test_a_form_that_any_page_can_send_is_no_request(scene: Scene) -> None:
    alarm_id = await scene.id_of(101)
    answer = await scene.ask(
        f"/api/alarms/{alarm_id}/acknowledge",
        method="POST",
        headers={"Content-Type": "text/plain"},
        body=KIM,
    )
    assert answer.status_code == 422
    assert len(await scene.codes("state=unacknowledged")) == 3


async def test_the_servers_own_page_may_write(scene: Scene) -> None:
    answer = await scene.ask(
        f"/api/alarms/{await scene.id_of(101)}/acknowledge",
        method="POST",
        headers={"Origin": "http://plant:8000"},
        body=KIM,
    )
    assert answer.status_code == 200


async def test_while_the_database_is_away_what_is_open_is_there_and_can_be_acknowledged(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lineside.core.errors import HistoryError
    from lineside.history.database import Database

    def fail(self: Database) -> None:
        raise HistoryError("the database is away")

    ids = [await scene.id_of(number) for number in (101, 102)]
    monkeypatch.setattr(Database, "reading", fail)
    monkeypatch.setattr(Database, "writing", fail)
    done = await scene.post(f"/api/alarms/{ids[0]}/acknowledge", KIM)
    assert done["state"] == "acknowledged"
    assert await scene.codes("state=unacknowledged") == ["103", "102"]
    assert len((await scene.get("/api/alarms/recent"))["alarms"]) == 3
    answer = await scene.ask("/api/alarms")
    assert answer.status_code == 503
    assert "Past alarms cannot be read now: the database is away" in answer.json()["detail"]


async def test_metrics_count_alarms(scene: Scene) -> None:
    await scene.post(f"/api/alarms/{await scene.id_of(101)}/shelve", {**KIM, "minutes": 5})
    text = (await scene.ask("/metrics")).text
    found = {
        (sample.name, sample.labels.get("state", "")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("lineside_alarms")
    }
    assert found == {
        ("lineside_alarms_complete", ""): 1,
        ("lineside_alarms_standing", ""): 3,
        ("lineside_alarms", "unacknowledged"): 2,
        ("lineside_alarms", "acknowledged"): 0,
        ("lineside_alarms", "returned_unacknowledged"): 0,
        ("lineside_alarms", "shelved"): 1,
        ("lineside_alarms", "suppressed"): 0,
        ("lineside_alarms_held_back_total", ""): 0,
    }


async def test_without_a_history_there_are_no_alarms_and_the_answer_says_so() -> None:
    plant = WebPlant.ticking(site(line("weld1", range(101, 103))))
    for path in ("/api/alarms", "/api/alarms/recent", "/api/alarms/statistics", "/api/alarms/1"):
        answer = await plant.ask(path)
        assert answer.status_code == 503
        assert "switched off" in answer.json()["detail"]
    assert "lineside_alarms" not in (await plant.ask("/metrics")).text


async def test_alarms_are_exported_with_who_acknowledged_them_and_what_was_said(
    scene: Scene,
) -> None:
    alarm_id = await scene.id_of(102)
    await scene.post(f"/api/alarms/{alarm_id}/acknowledge", {**KIM, "comment": "=가는 중"})
    await scene.stored()
    window = "from=2025-11-03T00:00:00Z&to=2025-11-04T00:00:00Z"
    answer = await scene.ask(f"/api/export/alarms.csv?line=weld1&{window}")
    assert answer.status_code == 200, answer.text
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["code"] for row in rows] == [code(n) for n in (103, 102, 101)]
    assert [row["state"] for row in rows] == ["unacknowledged", "acknowledged", "unacknowledged"]
    assert (rows[1]["acknowledged_by"], rows[1]["comments"]) == ("김철수", "김철수: =가는 중")
    assert rows[0]["raised_utc"] == "2025-11-03T10:30:48.000Z"
    one = await scene.ask(f"/api/export/alarms.parquet?code={code(103)}&{window}")
    table = pyarrow.parquet.read_table(io.BytesIO(one.content))
    assert table.column("code").to_pylist() == [code(103)]
    assert table.column("cleared").to_pylist() == [None]
    before = "from=2025-11-01T00:00:00Z&to=2025-11-02T00:00:00Z"
    none = await scene.ask(f"/api/export/alarms.csv?{before}")
    assert none.content.decode("utf-8-sig").count("\n") == 1  # its header
    assert (await scene.ask(f"/api/export/alarms.xlsx?{window}")).content.startswith(b"PK")


@pytest.mark.parametrize(
    "query", ["", "state=acknowledged", "severity=critical", "q=103", "state=unacknowledged&q=용접"]
)
async def test_an_export_has_what_the_list_has_by_the_same_filters(
    scene: Scene, query: str
) -> None:
    await scene.post(f"/api/alarms/{await scene.id_of(102)}/acknowledge", KIM)
    await scene.stored()
    window = "line=weld1&from=2025-11-03T00:00:00Z&to=2025-11-04T00:00:00Z"
    listed = await scene.codes(f"{window}&{query}")
    exported = await scene.ask(f"/api/export/alarms.csv?{window}&{query}")
    rows = csv.DictReader(io.StringIO(exported.content.decode("utf-8-sig")))
    assert [each["code"][-3:] for each in rows] == listed
    refused = await scene.ask(f"/api/export/stops.csv?{window}&state=acknowledged")
    assert refused.status_code == 422


async def test_between_two_rises_an_alarm_is_in_no_list_no_export_and_no_report(
    scene: Scene,
) -> None:
    def see(status: Status, hours: float) -> None:
        scene.hear(state_change(103, status, at_s=T0_S + hours * 3_600))

    for begin, end in ((30.0, 32.0), (72.0, 73.0)):  # it waits for an acknowledgement all the time
        see(Status.RUNNING, begin - 24.0)
        see(Status.ERROR, begin)
        see(Status.RUNNING, end)
    scene.clock.turn(5 * 86_400)
    scene.tick()
    await scene.stored()
    wanted = {"2025-11-03": 1, "2025-11-04": 1, "2025-11-05": 0, "2025-11-06": 1}
    for day, rises in wanted.items():
        line = f"line=weld1&day={day}"
        report = await scene.get(f"/api/report?{line}")
        counted = {each["code"]: each["count"] for each in report["alarms"]}
        assert counted.get(code(103), 0) == rises, day
        window = f"line=weld1&from={report['begin']}&to={report['end']}"
        stood = ["103"] if rises else []
        assert [each for each in await scene.codes(window) if each == "103"] == stood, day
        waiting = f"{window}&state=returned_unacknowledged"
        assert await scene.codes(waiting) == stood, day
        exported = await scene.ask(f"/api/export/alarms.csv?{window}")
        rows = csv.DictReader(io.StringIO(exported.content.decode("utf-8-sig")))
        assert [each["code"] for each in rows if each["code"] == code(103)] == [
            code(103) for _ in stood
        ], day
