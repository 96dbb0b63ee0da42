from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Opcode

from builders import T0_S, equipment, equipment_state
from lineside.core.model import EquipmentState, LineState, Reason, ReasonCode, Status
from lineside.hub.frame import (
    CLIENT_TIMESTAMP_MAX,
    Encoding,
    connection_status_payload,
    equipment_status_payload,
    pong_payload,
    text_frame,
    tick_frame,
)
from serving import parse_frames

CONTRACT = Path(__file__).parents[2] / "docs" / "reference" / "contract.md"
AT_S = T0_S + 0.123  # the contract's own 2025-11-03T10:30:45.123Z


def contract_example(message_type: str) -> dict[str, Any]:
    """The message as the contract prints it."""
    for block in re.findall(r"```json\n(.*?)```", CONTRACT.read_text(encoding="utf-8"), re.S):
        message: dict[str, Any] = json.loads(block)
        if message["type"] == message_type:
            return message
    raise AssertionError(f"the contract has no example of {message_type}")


def compact(message: dict[str, Any]) -> bytes:
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()


def machine(code: str, name: str, status: Status, status_value: int) -> EquipmentState:
    return EquipmentState(
        code=code,
        name=name,
        plc_id="PLC01",
        status=status,
        since_s=T0_S,
        reason=Reason(code=ReasonCode.RUNNING),
        status_value=status_value,
        error_value=0,
        is_connected=True,
        last_updated_s=T0_S,
        tags=(),
    )


def line_of(*machines: EquipmentState) -> LineState:
    return LineState(id="weld1", name="용접 1라인", equipment=machines)


def test_equipment_status_is_the_contracts_example_byte_for_byte() -> None:
    line = line_of(
        machine("KRCWO12ELOA101", "Upper 로봇 용접", Status.RUNNING, 1),
        machine("KRCWO12ELOA102", "Lower 로봇 용접", Status.IDLE, 0),
    )
    expected = compact(contract_example("equipment_status"))
    assert equipment_status_payload(line, AT_S) == expected


def test_connection_status_is_the_contracts_example_and_an_empty_equipment_list() -> None:
    expected = contract_example("connection_status") | {"equipment": []}
    payload = connection_status_payload("connected", "WebSocket connected successfully", AT_S)
    assert payload == compact(expected)


def test_pong_is_the_contracts_example() -> None:
    assert pong_payload(AT_S) == compact(contract_example("pong"))


def test_pong_carries_the_pings_own_timestamp_back_in_a_field_of_its_own() -> None:
    theirs = contract_example("ping")["timestamp"]
    expected = contract_example("pong") | {"ping_timestamp": theirs}
    assert pong_payload(AT_S, theirs) == compact(expected)


def test_pong_carries_no_novel_back() -> None:
    longest = "x" * CLIENT_TIMESTAMP_MAX
    assert json.loads(pong_payload(AT_S, longest))["ping_timestamp"] == longest
    assert "ping_timestamp" not in json.loads(pong_payload(AT_S, longest + "x"))


def test_equipment_that_was_never_read_was_last_updated_in_1970() -> None:
    never = equipment_state(equipment(101), Status.DISCONNECTED)
    message = json.loads(equipment_status_payload(line_of(never), AT_S))
    assert message["equipment"][0]["last_updated"] == "1970-01-01T00:00:00.000Z"
    assert message["equipment"][0]["tags"]["connection"] is False


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_status_value_that_json_cannot_write_is_a_number_all_the_same(value: float) -> None:
    odd = replace(equipment_state(equipment(101)), status_value=value)
    message = json.loads(equipment_status_payload(line_of(odd), AT_S))
    assert message["equipment"][0]["tags"]["status_tag"] == 0


def test_machines_stay_in_configured_order() -> None:
    numbers = [117, 101, 109]
    line = line_of(*(equipment_state(equipment(number)) for number in numbers))
    message = json.loads(equipment_status_payload(line, AT_S))
    codes = [each["equipment_code"] for each in message["equipment"]]
    assert codes == [f"KRCWO12ELOA{number}" for number in numbers]


@given(st.text(max_size=20), st.sampled_from(Status), st.integers(-(2**31), 2**31))
def test_any_line_is_read_back_as_it_is(name: str, status: Status, value: int) -> None:
    state = replace(equipment_state(equipment(101), status), name=name, status_value=value)
    message = json.loads(equipment_status_payload(line_of(state), AT_S))
    assert message["equipment"][0]["equipment_name"] == name
    assert message["equipment"][0]["status"] == status.value
    assert message["equipment"][0]["tags"]["status_tag"] == value


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 70_000])
def test_an_independent_parser_reads_frames_of_every_length_form(size: int) -> None:
    payload = b"x" * size
    frames, ends = parse_frames(text_frame(payload) * 2)
    assert [bytes(frame.data) for frame in frames] == [payload, payload]
    assert all(frame.opcode is Opcode.TEXT and frame.fin for frame in frames)
    assert ends[1] == 2 * len(text_frame(payload))


@given(payload=st.binary(max_size=70_000))
def test_an_independent_inflater_reads_a_compressed_tick_without_any_other(payload: bytes) -> None:
    (frame,), _ = parse_frames(tick_frame(payload, Encoding.DEFLATE), [_inflater()])
    assert frame.opcode is Opcode.TEXT
    assert bytes(frame.data) == payload


def test_a_compressed_tick_is_a_fraction_of_the_plain_one() -> None:
    states = tuple(equipment_state(equipment(code)) for code in range(101, 118))
    line = LineState(id="weld1", name="용접", equipment=states)
    payload = equipment_status_payload(line, AT_S)
    plain, deflated = (len(tick_frame(payload, each)) for each in Encoding)
    assert deflated * 5 < plain


def _inflater() -> PerMessageDeflate:
    return PerMessageDeflate(
        remote_no_context_takeover=True,
        local_no_context_takeover=True,
        remote_max_window_bits=15,
        local_max_window_bits=15,
    )
