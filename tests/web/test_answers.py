import asyncio
from functools import partial

import pytest
from pydantic_core import to_json

from builders import code, state_change
from lineside.core.model import Status
from lineside.web.answers import Encoded, SharedAnswers, encode, encode_in_slices, tagged
from lineside.web.schema import ChangesView, PlcsView
from lineside.web.views import change_view

EMPTY = ChangesView(observed_since="", observed_since_by_equipment={}, now="", changes=[])


@pytest.mark.parametrize("count", [0, 1, 100, 101, 350])
async def test_sliced_encoding_is_the_same_bytes_as_the_whole(count: int) -> None:
    changes = [state_change(101 + number, Status.ERROR) for number in range(count)]
    whole = EMPTY.model_copy(update={"changes": [change_view(change) for change in changes]})
    assert await encode_in_slices(EMPTY, changes, change_view) == encode(whole)


async def test_loop_gets_its_turn_between_slices() -> None:
    turns = 0
    encoding = asyncio.ensure_future(
        encode_in_slices(EMPTY, [state_change(101, Status.ERROR)] * 1000, change_view)
    )
    while not encoding.done():
        turns += 1
        await asyncio.sleep(0)
    assert turns >= 10


async def test_envelope_whose_list_is_not_empty_and_last_is_refused() -> None:
    full = EMPTY.model_copy(update={"changes": [change_view(state_change(101, Status.ERROR))]})
    with pytest.raises(ValueError, match="empty list"):
        await encode_in_slices(full, [], change_view)


async def test_all_who_ask_while_an_answer_is_being_made_get_that_one() -> None:
    shared = SharedAnswers()
    release = asyncio.Event()

    async def make() -> Encoded:
        await release.wait()
        return tagged(b"{}")

    asking = [asyncio.ensure_future(shared.get_sliced("list", 1, make)) for _ in range(20)]
    await asyncio.sleep(0)
    release.set()
    answers = await asyncio.gather(*asking)
    assert shared.encode_count == 1
    assert all(answer is answers[0] for answer in answers)


def test_number_of_kept_answers_is_bounded() -> None:
    shared = SharedAnswers()
    view = PlcsView(at="", plcs=[])
    for number in range(1000):
        shared.get(number, 1, partial(PlcsView, at=code(number), plcs=[]))
    assert len(shared._entries) <= 256
    assert shared.get("new", 1, lambda: view).body == to_json(view)
