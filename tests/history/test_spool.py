"""What the spool took survives: in order, through crashes, torn records and full disks."""

from __future__ import annotations

import errno
import itertools
import os
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from history.told import T0_MS, a_batch, a_change, a_run
from lineside.core.errors import HistoryError
from lineside.history import spool_file
from lineside.history.aside import Tally
from lineside.history.records import Batch
from lineside.history.spool import Spool
from lineside.history.spool_file import record_of


def opened(folder: Path, **limits: Any) -> Spool:
    spool = Spool(folder, **limits)
    spool.open()
    return spool


def batch(number: int, rows: int = 3) -> Batch:
    records = [a_change(number * 100 + row, T0_MS + number) for row in range(rows)]
    return a_batch(a_run(), records)


def drained(spool: Spool, records_max: int = 5) -> list[Batch]:
    found = []
    while spool:
        batches = spool.peek(records_max)
        found += batches
        if batches:
            spool.drop_peeked(batches)
    return found


def test_batches_come_out_in_the_order_in_which_they_went_in(tmp_path: Path) -> None:
    spool = opened(tmp_path, file_max_bytes=1_000)
    batches = [batch(number) for number in range(20)]
    for each in batches:
        spool.append(each)
    assert spool.record_count == 60
    assert len(list(tmp_path.iterdir())) > 5
    assert spool.oldest_ms == T0_MS
    assert drained(spool) == batches
    assert not spool
    assert (spool.size_bytes, spool.record_count) == (0, 0)
    assert spool.oldest_ms is None
    assert list(tmp_path.iterdir()) == []


def test_another_process_finds_what_the_first_has_left(tmp_path: Path) -> None:
    spool = opened(tmp_path, file_max_bytes=1_000)
    batches = [batch(number) for number in range(6)]
    for each in batches:
        spool.append(each)
    del spool  # it just dies
    again = opened(tmp_path)
    assert again.record_count == 18
    again.append(batch(7))
    assert drained(again) == [*batches, batch(7)]


def test_what_is_appended_while_it_is_drained_comes_last(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.append(batch(1))
    spool.append(batch(2))
    first = spool.peek(1)
    spool.drop_peeked(first)
    spool.append(batch(3))
    assert [*first, *drained(spool)] == [batch(1), batch(2), batch(3)]


@given(cut=st.integers(1, 400))
def test_a_torn_last_record_is_cut_off_and_the_rest_kept(
    cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    spool = opened(folder)
    ends = []
    for number in range(3):
        spool.append(batch(number, rows=1))
        ends.append(spool.size_bytes)
    spool.close()
    (file,) = folder.iterdir()
    size_bytes = max(0, ends[-1] - cut)
    os.truncate(file, size_bytes)
    whole = sum(end <= size_bytes for end in ends)
    again = opened(folder)
    again.append(batch(9))
    assert drained(again) == [*(batch(number, rows=1) for number in range(whole)), batch(9)]


def spooled(folder: Path, count: int, *, files: bool = False) -> list[Batch]:
    """Leave `count` batches in the spool, as a process does that dies."""
    spool = opened(folder, file_max_bytes=700 if files else 10**6)
    batches = [batch(number, rows=1) for number in range(count)]
    for each in batches:
        spool.append(each)
    spool.close()
    return batches


def flip(file: Path, at_byte: int, bits: int = 0xFF) -> None:
    data = bytearray(file.read_bytes())
    data[at_byte % len(data)] ^= bits
    file.write_bytes(data)


@given(place=st.integers(0, 10_000), bits=st.integers(1, 255))
def test_a_flipped_bit_takes_away_one_batch_and_no_other(
    place: int, bits: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    batches = spooled(folder, 6)
    (file,) = folder.iterdir()
    size_bytes = file.stat().st_size
    flip(file, place, bits)
    ends = list(itertools.accumulate(len(record_of(each)) for each in batches))
    hit = sum(end <= place % size_bytes for end in ends)
    spool = opened(folder)
    assert drained(spool) == batches[:hit] + batches[hit + 1 :]
    assert spool.set_aside_count == 1 or hit == 5, "what a crash has torn is not damage"


def test_a_batch_that_is_damaged_in_the_middle_is_set_aside_and_the_good_ones_are_kept(
    tmp_path: Path,
) -> None:
    batches = spooled(tmp_path, 21)
    (file,) = tmp_path.iterdir()
    damaged = bytearray(file.read_bytes())
    flip(file, 3 * len(damaged) // 42)
    spool = opened(tmp_path)
    assert drained(spool, 100) == [batches[0], *batches[2:]]
    assert (spool.set_aside_count, spool.lost_count) == (1, 1)
    assert (spool.size_bytes, spool.record_count) == (0, 0)
    (aside,) = tmp_path.iterdir()
    assert aside.name == "000001.damaged"
    assert aside.stat().st_size == len(damaged), "a person can still look at it"
    again = opened(tmp_path)
    assert not again, "it is not read again"
    again.append(batch(50))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["000001.damaged", "000002.spool"]


class BatchOfTheFuture(Batch, frozen=True, kw_only=True, array_like=True):
    """Whose records are of a kind that nobody knows yet."""

    records: tuple[object, ...] = ()  # type: ignore[assignment]


def decode_in_the_future(body: bytes) -> Batch:
    future = msgspec.msgpack.decode(body, type=BatchOfTheFuture)
    return a_batch(future.run, [], alive_ms=future.alive_ms)


def test_batches_of_a_newer_version_wait_for_it_and_hold_up_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = opened(tmp_path)
    newer = BatchOfTheFuture(run=a_run(), alive_ms=1, records=(["robot", 1, 2, 3],))
    with monkeypatch.context() as in_the_future:
        in_the_future.setattr(spool_file, "_decode", decode_in_the_future)
        for each in (batch(1), newer, batch(2)):
            spool.append(each)
    spool.close()
    older = opened(tmp_path)
    assert drained(older) == [batch(1), batch(2)]
    assert (older.set_aside_count, older.lost_count) == (1, 0)
    assert [path.name for path in tmp_path.iterdir()] == ["000001.newer"]
    assert not opened(tmp_path), "it is not read again by a version that cannot"
    monkeypatch.setattr(spool_file, "_decode", decode_in_the_future)
    assert [each.alive_ms for each in drained(opened(tmp_path))] == [T0_MS + 1, 1, T0_MS + 2]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name",
    ["000001 copy.spool", "copy of 000001.spool", "x.spool", "١.spool", ".spool", "-1.spool"],
)
def test_files_of_other_names_are_told_of_and_left_alone(tmp_path: Path, name: str) -> None:
    batches = spooled(tmp_path, 3)
    shutil.copy(tmp_path / "000001.spool", tmp_path / name)
    spool = opened(tmp_path)
    assert drained(spool) == batches
    assert spool.foreign == ((name,) if name != ".spool" else ())
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_folder_or_a_file_in_the_way_of_the_next_file_is_gone_round(tmp_path: Path) -> None:
    (tmp_path / "000007.spool").mkdir()
    spool = opened(tmp_path)
    (tmp_path / "000008.spool").write_bytes(b"from nowhere")
    with pytest.raises(HistoryError):
        spool.append(batch(1))
    spool.append(batch(1))
    assert drained(spool) == [batch(1)]


damages = st.lists(
    st.one_of(
        st.tuples(st.just("flip"), st.integers(0, 10**6), st.integers(1, 255)),
        st.tuples(st.just("cut"), st.integers(0, 10**6), st.just(0)),
        st.tuples(st.just("insert"), st.integers(0, 10**6), st.integers(1, 60)),
        st.tuples(st.just("copy"), st.integers(0, 10**6), st.integers(20, 30)),
        st.tuples(st.just("junk"), st.integers(0, 10**6), st.integers(20, 30)),
    ),
    max_size=4,
)


@given(damages=damages)
def test_whatever_happens_to_its_files_no_good_batch_is_lost(
    damages: list[tuple[str, int, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    batches = spooled(folder, 12, files=True)
    records = {record_of(each): each for each in batches}
    files = sorted(folder.iterdir())
    assert len(files) >= 3
    for kind, place, how in damages:
        file = files[place % len(files)]
        data = file.read_bytes()
        at_byte = place // len(files) % (len(data) + 1)
        if kind == "flip" and data:
            flip(file, at_byte, how)
        elif kind == "cut":
            file.write_bytes(data[:at_byte])
        elif kind == "insert":
            file.write_bytes(data[:at_byte] + bytes(range(how)) + data[at_byte:])
        elif kind == "copy":
            (folder / f"{how:06d}.spool").write_bytes(data)
        elif kind == "junk":
            (folder / f"{how:06d}.spool").write_bytes(b"\x00\xff\x94" * at_byte)
    held = [path.read_bytes() for path in sorted(folder.iterdir())]
    good = []
    for data in held:
        places = {data.find(record): each for record, each in records.items()}
        good += [places[place].alive_ms for place in sorted(places) if place >= 0]
    spool = opened(folder)
    assert [each.alive_ms for each in drained(spool)] == good
    assert not spool
    spool.append(batch(99))
    assert drained(spool) == [batch(99)]


def test_a_file_that_the_disk_damages_is_put_aside_and_counted(tmp_path: Path) -> None:
    spool = opened(tmp_path, file_max_bytes=500)
    for number in range(4):
        spool.append(batch(number))
    first = sorted(tmp_path.iterdir())[0]
    first.write_bytes(b"\xff" * first.stat().st_size)
    assert spool.peek(10) == []
    assert spool.lost_count == 3
    assert drained(spool) == [batch(1), batch(2), batch(3)]
    assert [path.suffix for path in tmp_path.iterdir()] == [".damaged"]


@pytest.mark.parametrize("way", ["taken away", "damaged"])
def test_when_the_last_file_is_gone_nothing_waits_any_more(tmp_path: Path, way: str) -> None:
    folder = tmp_path / "spool"
    spool = opened(folder)
    spool.append(batch(0))
    if way == "taken away":
        shutil.rmtree(folder)
    else:
        (file,) = folder.iterdir()
        file.write_bytes(b"\xff" * file.stat().st_size)
    assert drained(spool) == []
    assert (spool.oldest_ms, spool.record_count, spool.lost_count) == (None, 0, 3)


def test_a_file_that_the_disk_does_not_give_holds_up_those_behind_it_three_times_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = opened(tmp_path, file_max_bytes=500)
    for number in range(3):
        spool.append(batch(number))
    first = sorted(tmp_path.iterdir())[0]
    real = Path.read_bytes

    def read(path: Path) -> bytes:
        if path == first:
            raise OSError(errno.EIO, "Input/output error")
        return real(path)

    monkeypatch.setattr(Path, "read_bytes", read)
    for _ in range(2):
        with pytest.raises(HistoryError, match="Input/output error"):
            spool.peek(10)
    assert spool.peek(10) == []
    assert drained(spool) == [batch(1), batch(2)]
    assert (spool.set_aside_count, spool.lost_count) == (1, 3)


def test_what_can_never_be_stored_is_put_into_a_file_for_people(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.set_aside(batch(1, rows=1), "the tag is no text")
    line = (tmp_path / "refused.jsonl").read_text().splitlines()[0]
    assert "the tag is no text" in line
    assert "상태" in line
    spool.set_aside(batch(2**70, rows=1), "a number is too large")
    assert len((tmp_path / "refused.jsonl").read_text().splitlines()) == 2
    assert (spool.set_aside_count, spool.lost_count) == (2, 2)
    assert not spool


def test_its_bound_is_an_error_and_changes_nothing(tmp_path: Path) -> None:
    measured = opened(tmp_path / "measured")
    measured.append(batch(3))
    spool = opened(tmp_path / "spool", max_bytes=2 * measured.size_bytes + 10)
    spool.append(batch(1))
    spool.append(batch(2))
    with pytest.raises(HistoryError, match="has reached its bound"):
        spool.append(batch(3))
    assert drained(spool) == [batch(1), batch(2)]
    spool.append(batch(4))
    assert drained(spool) == [batch(4)]


def test_a_disk_that_fills_in_the_middle_of_a_record_leaves_no_half_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = opened(tmp_path)
    spool.append(batch(1))
    real = os.write

    def write_a_little(descriptor: int, data: bytes) -> int:
        if len(data) < 100:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(descriptor, data[: len(data) // 2])

    monkeypatch.setattr(os, "write", write_a_little)
    with pytest.raises(HistoryError, match="No space left"):
        spool.append(batch(2))
    monkeypatch.undo()
    spool.append(batch(3))
    assert spool.record_count == 6
    assert drained(opened(tmp_path)) == [batch(1), batch(3)]


def test_a_folder_that_cannot_be_made_is_an_error_in_plain_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HistoryError, match=r"the spool .* cannot be opened"):
        Spool(tmp_path / "file" / "spool").open()


def test_what_was_set_aside_is_told_after_a_restart_until_a_person_removes_it(
    tmp_path: Path,
) -> None:
    spooled(tmp_path, 3)
    (file,) = tmp_path.iterdir()
    flip(file, 20)
    first = opened(tmp_path)
    drained(first)
    first.set_aside(batch(1, rows=1), "the tag is no text")
    first.close()
    os.utime(tmp_path / "000001.damaged", (1_772_400_000, 1_772_400_000))
    again = opened(tmp_path)
    assert (again.set_aside_count, again.lost_count) == (0, 0), "nothing since this start"
    assert (again.aside.files, again.aside.oldest_ms) == (2, 1_772_400_000_000)
    (warning,) = again.warnings()
    assert "2 files in the spool" in warning
    assert "2026-03-01T21:20:00" in warning
    for path in tmp_path.iterdir():
        path.unlink()
    again.look_aside()
    assert again.warnings() == []


def test_counters_go_on_where_the_writer_is_restarted_and_count_nothing_twice(
    tmp_path: Path,
) -> None:
    spooled(tmp_path, 21)
    (file,) = tmp_path.iterdir()
    flip(file, 3 * file.stat().st_size // 42)
    tally = Tally()
    for _ in range(3):
        spool = Spool(tmp_path, tally=tally)
        spool.open()
        assert (spool.set_aside_count, spool.lost_count) == (1, 1)
        spool.close()
