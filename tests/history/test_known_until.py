"""How far the past reaches: what is on its way into it is not time in which nobody watched."""

from __future__ import annotations

from pathlib import Path

from history.told import T0_MS, a_batch, a_change, a_run, tick
from history.writer_scene import Scene, playing
from serving import eventually


async def known(scene: Scene) -> None:
    await scene.is_caught_up()
    alive = scene.recorder.alive
    await eventually(lambda: scene.writer.alive == alive, "the last tick is not known")


async def test_what_waits_to_be_stored_takes_nothing_away_from_what_was_known(
    tmp_path: Path,
) -> None:
    async with playing(Scene(tmp_path)) as scene:
        scene.change()
        await known(scene)
        for second in range(2, 5):  # nothing happens, so that nothing is stored either
            scene.recorder.on_message(tick(second))
        until_ms = T0_MS + 4_000
        assert scene.writer.known_until_ms(T0_MS + 4_300) == until_ms
        scene.store.is_hung = True
        scene.second = 4
        scene.change()
        assert scene.writer.known_until_ms(T0_MS + 5_300) == until_ms
        await eventually(lambda: scene.store.attempts > 1, "it is not being stored")
        assert scene.writer.known_until_ms(T0_MS + 5_300) == until_ms
        scene.store.is_hung = False


async def test_time_in_which_the_board_did_not_tick_was_seen_by_nobody(tmp_path: Path) -> None:
    async with playing(Scene(tmp_path)) as scene:
        scene.change()
        await known(scene)
        assert scene.writer.known_until_ms(T0_MS + 3_000) == T0_MS + 1_000
        assert scene.writer.known_until_ms(T0_MS + 60_000) == T0_MS + 60_000


async def test_what_was_heard_since_the_start_is_not_known_until_some_of_it_is_stored(
    tmp_path: Path,
) -> None:
    scene = Scene(tmp_path)
    scene.store.is_hung = True
    async with playing(scene):
        began_ms = scene.recorder.began_ms
        assert began_ms is not None
        scene.change()
        assert scene.writer.known_until_ms(T0_MS + 1_300) == began_ms
        await eventually(lambda: scene.store.attempts > 0, "it is not being stored")
        assert scene.writer.known_until_ms(T0_MS + 1_300) == began_ms
        scene.store.is_hung = False
        scene.store.go_on.set()
        await known(scene)
        assert scene.writer.known_until_ms(T0_MS + 1_300) == T0_MS + 1_000


async def test_what_an_earlier_process_has_left_in_the_spool_is_not_known_either(
    tmp_path: Path,
) -> None:
    scene = Scene(tmp_path, is_quiet=True)
    scene.spool.append(a_batch(a_run(), [a_change(1, T0_MS - 60_000)]))
    assert scene.writer.known_until_ms(T0_MS) == T0_MS - 60_000


async def test_nothing_is_known_beyond_the_present(tmp_path: Path) -> None:
    async with playing(Scene(tmp_path)) as scene:
        scene.change()
        await known(scene)
        assert scene.writer.known_until_ms(T0_MS + 500) == T0_MS + 500
