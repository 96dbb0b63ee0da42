"""What the spool took survives: in order, through crashes, torn records and full disks."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from history.told import T0_MS, a_batch, a_change, a_run
from lineside.core.errors import HistoryError
from lineside.history.records import Batch
from lineside.history.spool import Spool


def opened(folder: Path, **limits: int) -> Spool:
    spool = Spool(folder, **limits)
    spool.open()
    return spool


def batch(number: int, rows: int = 3) -> Batch:
    records = [a_change(number * 100 + row, T0_MS + number) for row in range(rows)]
    return a_batch(a_run(), records)


def drained(spool: Spool, records_max: int = 5) -> list[Batch]:
    found = []
    while batches := spool.peek(records_max):
        found += batches
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


@given(place=st.integers(0, 10_000), flip=st.integers(1, 255))
def test_a_damaged_byte_never_gives_a_wrong_batch(
    place: int, flip: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    spool = opened(folder)
    batches = [batch(number, rows=1) for number in range(3)]
    for each in batches:
        spool.append(each)
    spool.close()
    (file,) = folder.iterdir()
    data = bytearray(file.read_bytes())
    data[place % len(data)] ^= flip
    file.write_bytes(data)
    found = drained(opened(folder))
    assert found == batches[: len(found)]
    assert len(found) < 3


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
