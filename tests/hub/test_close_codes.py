from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Close

from lineside.hub.close_codes import REASON_MAX_BYTES, REASONS, CloseCode, clip_reason


def test_every_code_has_a_reason_that_fits_and_that_a_websocket_may_carry() -> None:
    for code in CloseCode:
        data = Close(code, clip_reason(REASONS[code])).serialize()
        assert Close.parse(data).reason == REASONS[code]


@given(st.text())
def test_a_reason_of_any_length_is_cut_between_letters(text: str) -> None:
    clipped = clip_reason(text)
    assert len(clipped.encode()) <= REASON_MAX_BYTES
    assert text.startswith(clipped)
    assert clipped == text or len(clipped.encode()) > REASON_MAX_BYTES - 4
