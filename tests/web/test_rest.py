import re
from pathlib import Path

import pytest
from fastapi import FastAPI
from msgspec.structs import replace

from builders import T0_S, WebPlant, code, line, site, state_change
from lineside.core.model import StateChange, Status
from lineside.core.times import iso_utc
from lineside.web import api as api_module
from lineside.web.documents import openapi_document
from lineside.web.views import ServerInfo
from schemas import assert_valid

DOCUMENT = openapi_document()
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def assert_matches(path: str, status: int, media_type: str, body: object) -> None:
    content = DOCUMENT["paths"][path]["get"]["responses"][str(status)]["content"]
    assert_valid(DOCUMENT, content[media_type]["schema"], body)


def within_a_status(number: int) -> StateChange:
    change = state_change(number, Status.ERROR)
    return replace(change, previous=Status.ERROR)


def counts(**others: int) -> dict[str, int]:
    return {**{status.value: 0 for status in Status}, **others}


ANSWERS = [
    ("/api/lines", "/api/lines"),
    ("/api/lines/{line}/changes", "/api/lines/weld1/changes"),
    ("/api/lines/{line}/changes", f"/api/lines/weld1/changes?since={iso_utc(T0_S)}"),
    ("/api/equipment", "/api/equipment"),
    ("/api/equipment", "/api/equipment?line=pack&status=idle"),
    ("/api/equipment/{code}", f"/api/equipment/{code(101)}"),
    ("/api/equipment/{code}", f"/api/equipment/{code(105)}"),
    ("/api/news", "/api/news"),
    ("/api/news", "/api/news?line=pack"),
    ("/api/plcs", "/api/plcs"),
    ("/healthz", "/healthz"),
    ("/readyz", "/readyz"),
]
UNKNOWN = [
    ("/api/lines/{line}/changes", "/api/lines/weld7/changes"),
    ("/api/lines/{line}/floor-plan", "/api/lines/weld7/floor-plan"),
    ("/api/lines/{line}/floor-plan", "/api/lines/weld1/floor-plan"),
    ("/api/equipment", "/api/equipment?line=weld7"),
    ("/api/news", "/api/news?line=weld7"),
    ("/api/equipment/{code}", "/api/equipment/KRCWO12ELOA999"),
]


async def test_answers_match_their_own_openapi_schema() -> None:
    plant = WebPlant.ticking()
    plant.live.on_message(state_change(101, Status.ERROR))
    for path, address in ANSWERS:
        answer = await plant.ask(address)
        assert answer.status_code == 200, address
        assert answer.headers["content-type"] == "application/json", address
        assert_matches(path, 200, "application/json", answer.json())


async def test_unknown_name_is_a_404_problem() -> None:
    plant = WebPlant.ticking()
    for path, address in UNKNOWN:
        answer = await plant.ask(address)
        assert answer.status_code == 404, address
        assert answer.headers["content-type"] == "application/problem+json", address
        assert_matches(path, 404, "application/problem+json", answer.json())


async def test_equipment_is_listed_in_configured_order_with_the_contracts_words() -> None:
    body = (await WebPlant.ticking().ask("/api/equipment")).json()
    assert [each["equipment_code"] for each in body["equipment"]] == [
        code(number) for number in (101, 102, 103, 104, 105, 201, 202)
    ]
    assert body["equipment"][0] == {
        "equipment_code": "KRCWO12ELOA101",
        "equipment_name": "로봇 용접 101",
        "line": "weld1",
        "plc": "PLC01",
        "status": "running",
        "since": "2025-11-03T10:30:33.000Z",
        "reason": {
            "code": "running",
            "tag": "M101",
            "value": 1,
            "since": "2025-11-03T10:30:33.000Z",
            "until": None,
            "detail": "",
        },
        "tags": {"status_tag": 1, "error_tag": 0, "connection": True},
        "last_updated": "2025-11-03T10:30:44.750Z",
        "stale_after_s": 3.0,
        "stop_after_s": 300.0,
        "position": {"x": 8.0, "y": 20.0},
    }
    assert body["equipment"][4]["last_updated"] is None


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?line=pack", [201, 202]),
        ("?status=running", [101, 201]),
        ("?line=pack&status=running", [201]),
        ("?line=pack&status=error", []),
    ],
)
async def test_equipment_can_be_narrowed_by_line_and_status(
    query: str, expected: list[int]
) -> None:
    body = (await WebPlant.ticking().ask(f"/api/equipment{query}")).json()
    assert [each["equipment_code"] for each in body["equipment"]] == [
        code(number) for number in expected
    ]


async def test_status_that_is_none_of_the_five_is_refused_with_the_five() -> None:
    answer = await WebPlant.ticking().ask("/api/equipment?status=broken")
    assert answer.status_code == 422
    assert_matches("/api/equipment", 422, "application/problem+json", answer.json())
    assert "'disconnected'" in answer.json()["detail"]


async def test_detail_tells_why_with_raw_tags_rule_and_changes() -> None:
    plant = WebPlant.ticking()
    for number in range(3):
        plant.live.on_message(state_change(102, Status.ERROR, at_s=T0_S + number))
    body = (await plant.ask(f"/api/equipment/{code(102)}")).json()
    assert body["status"] == "idle"
    assert body["reason"]["until"] == iso_utc(T0_S + 60)
    assert [(tag["role"], tag["address"], tag["quality"]) for tag in body["raw_tags"]] == [
        ("status_tag", "M102", "good"),
        ("error_tag", "M202", "good"),
    ]
    assert (body["stop_after_s"], body["stale_after_s"]) == (300.0, 3.0)
    assert [change["at"] for change in body["changes"]] == [
        iso_utc(T0_S + number) for number in range(3)
    ]
    assert body["observed_since"] == iso_utc(T0_S)


@pytest.mark.parametrize(
    ("asked", "suggestion"),
    [
        ("krcwo12eloa101", code(101)),
        ("KRCWO12EOLA101", code(101)),
        ("ELOA202", code(202)),
    ],
)
async def test_mistyped_code_is_answered_with_the_nearest(asked: str, suggestion: str) -> None:
    detail = (await WebPlant.ticking().ask(f"/api/equipment/{asked}")).json()["detail"]
    assert detail == f"There is no equipment '{asked}'; did you mean {suggestion}?"


@pytest.mark.parametrize("asked", ["completely-different", "x" * 150])
async def test_code_like_no_other_gets_no_suggestion(asked: str) -> None:
    answer = await WebPlant.ticking().ask(f"/api/equipment/{asked}")
    assert answer.status_code == 404
    assert "did you mean" not in answer.json()["detail"]


async def test_lines_tell_where_each_is_heard_and_count_every_status() -> None:
    body = (await WebPlant.ticking().ask("/api/lines")).json()
    first, second = body["lines"]
    assert (first["ws_path"], first["is_default"]) == ("/ws/monitor", True)
    assert (second["ws_path"], second["is_default"]) == ("/ws/monitor/pack", False)
    assert first["counts"] == {status.value: 1 for status in Status}
    assert second["counts"] == counts(running=1, idle=1)
    assert body["server"]["version"] == "1.2.3"
    assert body["server"]["is_demo"] is True
    assert body["server"]["started_at"] == iso_utc(T0_S - 60)


async def test_plcs_tell_the_last_fault_the_next_attempt_and_who_depends_on_them() -> None:
    plant = WebPlant.ticking()
    online, lost = (await plant.ask("/api/plcs")).json()["plcs"]
    assert len(online["equipment_codes"]) == 7
    assert online["latency_p95_ms"] == 9.25
    assert (online["data_age_p50_ms"], online["data_age_p95_ms"]) == (11.5, 14.25)
    assert (online["lead_ms"], online["late_poll_count"]) == (11.0, 2)
    assert lost["link"] == "lost"
    assert lost["equipment_codes"] == []
    assert lost["last_fault"] == {
        "message": "The PLC refused the request.",
        "cause": "Remote password.",
        "end_code": "C201",
        "at": iso_utc(T0_S - 1.5),
    }
    assert lost["next_attempt"] == iso_utc(T0_S + 2.5)


async def test_changes_of_a_line_are_in_order_of_time_and_can_start_later() -> None:
    plant = WebPlant.ticking()
    for number, at_s in ((102, 5.0), (101, 3.0), (101, 9.0)):
        plant.live.on_message(state_change(number, Status.ERROR, at_s=T0_S + at_s))
    plant.live.on_message(state_change(201, Status.ERROR, line_id="pack"))
    everything = (await plant.ask("/api/lines/weld1/changes")).json()
    assert [change["equipment_code"] for change in everything["changes"]] == [
        code(101),
        code(102),
        code(101),
    ]
    later = (await plant.ask(f"/api/lines/weld1/changes?since={iso_utc(T0_S + 5)}")).json()
    assert [change["at"] for change in later["changes"]] == [iso_utc(T0_S + 5), iso_utc(T0_S + 9)]


async def test_changes_name_the_machines_of_which_less_is_known() -> None:
    plant = WebPlant.ticking(site(line("weld1", range(101, 102))))
    plant.clock.turn(60)
    plant.configure(site(line("weld1", range(101, 103))))
    plant.tick()
    body = (await plant.ask("/api/lines/weld1/changes")).json()
    assert body["observed_since"] == iso_utc(T0_S)
    assert body["observed_since_by_equipment"] == {code(102): iso_utc(T0_S + 60)}


async def test_answer_with_too_many_changes_keeps_the_newest_and_says_from_when(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(api_module, "CHANGES_PER_ANSWER_MAX", 2)
    plant = WebPlant.ticking()
    for number in range(5):
        plant.live.on_message(state_change(101, Status.ERROR, at_s=T0_S + number))
    body = (await plant.ask("/api/lines/weld1/changes")).json()
    assert [change["at"] for change in body["changes"]] == [iso_utc(T0_S + 3), iso_utc(T0_S + 4)]
    assert body["observed_since"] == iso_utc(T0_S + 3)


@pytest.mark.parametrize("since", ["yesterday", "2025-11-03T10:30:45"])
async def test_since_must_be_a_time_with_its_offset(since: str) -> None:
    answer = await WebPlant.ticking().ask(f"/api/lines/weld1/changes?since={since}")
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("query.since: ")


PRESENT = ["/api/equipment", f"/api/equipment/{code(101)}", "/api/plcs", "/api/lines/weld1/changes"]


@pytest.mark.parametrize("address", PRESENT)
async def test_present_is_refused_when_ticks_stop_and_answered_when_they_return(
    address: str,
) -> None:
    plant = WebPlant.ticking()
    plant.clock.turn(3.5)
    refused = await plant.ask(address)
    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "1"
    assert "stopped ticking 3.5 s ago" in refused.json()["detail"]
    plant.tick()
    assert (await plant.ask(address)).status_code == 200


async def test_lines_count_everything_as_disconnected_when_ticks_stop() -> None:
    plant = WebPlant.ticking()
    before = await plant.ask("/api/lines")
    plant.clock.turn(3.5)
    after = await plant.ask("/api/lines", headers={"If-None-Match": before.headers["etag"]})
    assert after.status_code == 200
    assert after.json()["lines"][0]["counts"] == counts(disconnected=5)


@pytest.mark.parametrize("address", ["/api/lines", *PRESENT])
async def test_server_that_is_still_starting_says_so(address: str) -> None:
    answer = await WebPlant().ask(address)
    assert answer.status_code == 503
    assert "has not ticked yet" in answer.json()["detail"]


async def test_machine_just_added_is_not_unknown_but_not_seen_yet() -> None:
    plant = WebPlant.ticking(site(line("weld1", range(101, 102))))
    plant.configure(site(line("weld1", range(101, 103))))
    answer = await plant.ask(f"/api/equipment/{code(102)}")
    assert answer.status_code == 503
    assert "the next tick will show it" in answer.json()["detail"]


async def test_machine_removed_from_the_site_is_gone_before_the_next_tick() -> None:
    plant = WebPlant.ticking(site(line("weld1", range(101, 103))))
    plant.configure(site(line("weld1", range(101, 102))))
    assert (await plant.ask(f"/api/equipment/{code(102)}")).status_code == 404
    listed = (await plant.ask("/api/equipment")).json()["equipment"]
    assert [each["equipment_code"] for each in listed] == [code(101)]


async def test_health_answers_whatever_the_board_does_and_readiness_follows_the_ticks() -> None:
    plant = WebPlant()
    assert (await plant.ask("/healthz")).status_code == 200
    starting = await plant.ask("/readyz")
    assert starting.status_code == 503
    assert_matches("/readyz", 503, "application/json", starting.json())
    plant.configure()
    plant.tick()
    assert (await plant.ask("/readyz")).status_code == 200
    plant.clock.turn(3.01)
    stopped = await plant.ask("/readyz")
    assert (stopped.status_code, stopped.json()["status"]) == (503, "unavailable")
    assert "stopped ticking 3.0 s ago" in stopped.json()["detail"]
    alive = await plant.ask("/healthz")
    assert (alive.status_code, alive.json()["status"]) == (200, "ok")
    assert alive.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("address", ["/api/lines", *PRESENT])
async def test_client_that_holds_the_answer_gets_304_until_the_next_tick(address: str) -> None:
    plant = WebPlant.ticking()
    first = await plant.ask(address)
    assert first.headers["cache-control"] == "no-cache"
    etag = first.headers["etag"]
    for held in (etag, f'"other", W/{etag}', "*"):
        again = await plant.ask(address, headers={"If-None-Match": held})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == etag
    plant.clock.turn(1.0)
    plant.tick()
    plant.live.on_message(state_change(101, Status.ERROR, at_s=T0_S + 1))
    later = await plant.ask(address, headers={"If-None-Match": etag})
    assert later.status_code == 200
    assert later.headers["etag"] != etag


async def test_what_changes_within_a_status_is_news_for_its_line_with_the_tick_that_shows_it() -> (
    None
):
    plant = WebPlant.ticking()
    (machine, *_) = (await plant.ask("/api/equipment?line=weld1")).json()["equipment"]
    assert machine["equipment_code"] == code(101)

    async def news(line_id: str) -> tuple[str, str]:
        told = (await plant.ask(f"/api/news?line={line_id}")).json()["news"]
        listed = (await plant.ask(f"/api/equipment?line={line_id}")).json()["news"]
        return told, listed

    before, elsewhere = await news("weld1"), await news("pack")
    assert before[0] == before[1]
    plant.live.on_message(within_a_status(101))
    assert await news("weld1") == before, "the list does not tell it yet"
    plant.tick()
    told, listed = await news("weld1")
    assert told == listed != before[0]
    assert await news("pack") == elsewhere
    plant.tick()
    assert await news("weld1") == (told, listed), "a tick alone is no news"
    held = (await plant.ask("/api/news?line=weld1")).headers["etag"]
    again = await plant.ask("/api/news?line=weld1", headers={"If-None-Match": held})
    assert again.status_code == 304
    plant.configure()
    assert (await news("pack"))[0] != elsewhere[0]


async def test_all_who_ask_within_a_tick_share_one_encoding() -> None:
    plant = WebPlant.ticking()
    info = ServerInfo(version="1.2.3", started_at_s=T0_S)
    line_api = api_module.LineApi(plant.live, info, plant.clock)
    plant.app = FastAPI()
    api_module.add_line_routes(plant.app.router, line_api)
    for address in ("/api/lines", "/api/equipment", "/api/plcs"):
        for _ in range(5):
            assert (await plant.ask(address)).status_code == 200
    assert line_api.shared.encode_count == 3
    plant.clock.turn(1.0)
    plant.tick()
    await plant.ask("/api/equipment")
    assert line_api.shared.encode_count == 4


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
async def test_value_that_json_has_no_number_for_is_still_json(value: float) -> None:
    plant = WebPlant.ticking()
    assert plant.live.snapshot is not None
    first_line, *others = plant.live.snapshot.lines
    machine = first_line.equipment[0]
    odd = replace(
        machine,
        status_value=value,
        tags=tuple(replace(tag, value=value) for tag in machine.tags),
        reason=replace(machine.reason, value=value),
    )
    lines = (replace(first_line, equipment=(odd, *first_line.equipment[1:])), *others)
    plant.live.on_message(replace(plant.live.snapshot, lines=lines))
    body = await plant.ask(f"/api/equipment/{code(101)}")
    assert "NaN" not in body.text
    assert "Infinity" not in body.text
    assert body.json()["tags"]["status_tag"] == 0
    assert body.json()["raw_tags"][0]["value"] is None
    assert_matches("/api/equipment/{code}", 200, "application/json", body.json())


@pytest.mark.parametrize(
    ("name", "body", "media_type"),
    [
        ("plan.svg", SVG, "image/svg+xml"),
        ("plan.svg", b'<?xml version="1.0"?>\n<!-- hall 3 -->\n' + SVG, "image/svg+xml"),
        ("plan.png", b"\x89PNG\r\n\x1a\n" + bytes(8), "image/png"),
        ("plan.jpg", b"\xff\xd8\xff\xe0" + bytes(8), "image/jpeg"),
        ("plan.webp", b"RIFF\x04\x00\x00\x00WEBPVP8 ", "image/webp"),
        ("lies.png", SVG, "image/svg+xml"),
    ],
)
async def test_floor_plan_is_served_as_what_it_is_and_can_run_nothing(
    tmp_path: Path, name: str, body: bytes, media_type: str
) -> None:
    file = tmp_path / name
    file.write_bytes(body)
    plant = WebPlant.ticking(site(line("weld1", range(101, 102), floor_plan=str(file))))
    url = (await plant.ask("/api/lines")).json()["lines"][0]["floor_plan_url"]
    answer = await plant.ask(url)
    assert (answer.status_code, answer.content) == (200, body)
    assert answer.headers["content-type"] == media_type
    assert answer.headers["x-content-type-options"] == "nosniff"
    policy = answer.headers["content-security-policy"]
    assert policy.endswith("sandbox")
    assert "default-src 'none'" in policy
    again = await plant.ask(url, headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("body", [b"", b"<html></html>", b"GIF89a", b"root:x:0:0", None])
async def test_floor_plan_that_is_no_image_is_never_served(
    tmp_path: Path, body: bytes | None
) -> None:
    file = tmp_path / "plan.svg"
    if body is not None:
        file.write_bytes(body)
    plant = WebPlant.ticking(site(line("weld1", range(101, 102), floor_plan=str(file))))
    answer = await plant.ask("/api/lines/weld1/floor-plan")
    assert answer.status_code == 404
    assert "plan.svg" in answer.json()["detail"]
    assert str(tmp_path) not in answer.text


@pytest.mark.parametrize("address", ["/api/lines", "/healthz", "/docs", "/metrics"])
async def test_head_answers_what_get_answers_without_the_body(address: str) -> None:
    plant = WebPlant.ticking()
    got, asked = await plant.ask(address), await plant.ask(address, method="HEAD")
    assert (asked.status_code, asked.content) == (200, b"")
    assert asked.headers["content-type"] == got.headers["content-type"]
    if address != "/metrics":  # its length changes with every scrape
        assert asked.headers["content-length"] == got.headers["content-length"]


def address_of(path: str) -> str:
    """Return a path of the document with something in the place of every parameter."""
    known = path.replace("{line}", "weld1").replace("{code}", code(101))
    return re.sub(r"{\w+}", "1", known)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_nothing_can_be_written_but_what_is_documented(method: str) -> None:
    plant = WebPlant.ticking()
    for path, operations in DOCUMENT["paths"].items():
        if method.lower() in operations:
            continue
        answer = await plant.ask(address_of(path), method=method)
        assert answer.status_code == 405, path
        assert answer.headers["content-type"] == "application/problem+json"


async def test_no_foreign_page_can_write() -> None:
    plant = WebPlant.ticking()
    writes = [
        (method.upper(), address_of(path))
        for path, operations in DOCUMENT["paths"].items()
        for method in operations
        if method in {"post", "put", "delete", "patch"}
    ]
    assert len(writes) > 5
    for method, address in writes:
        foreign = {"Origin": "http://elsewhere.example"}
        answer = await plant.ask(address, method=method, headers=foreign, body={})
        assert answer.status_code == 403, address
        assert answer.headers["content-type"] == "application/problem+json"
        own = {"Origin": "http://plant:8000"}
        answer = await plant.ask(address, method=method, headers=own, body={})
        assert answer.status_code in {404, 422, 503}, address


async def test_defect_is_a_problem_without_its_traceback() -> None:
    plant = WebPlant.ticking()

    async def broken() -> None:
        raise RuntimeError("secret of the implementation")

    plant.app.router.routes.clear()
    plant.app.add_api_route("/broken", broken)
    answer = await plant.ask("/broken")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text
