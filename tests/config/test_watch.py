"""A change of the files is told once, when it has settled, and only when the contents differ."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lineside.config.load import fingerprint, load_config
from lineside.config.watch import ConfigWatcher
from lineside.core.errors import ConfigError
from lineside.drivers import DRIVERS


class Folder:
    """A config file and a CSV beside it, as last loaded."""

    def __init__(self, path: Path) -> None:
        self.toml, self.csv = path / "lineside.toml", path / "equipment.csv"
        self.write(self.toml, "a = 1\n")
        self.write(self.csv, "code\n")
        self.watcher = ConfigWatcher((self.toml, self.csv), self.fingerprint())
        self.clock_ns = 1_000_000_000

    def fingerprint(self) -> str:
        return fingerprint({path: path.read_bytes() for path in (self.toml, self.csv)})

    def write(self, path: Path, text: str) -> None:
        path.write_text(text, encoding="utf-8")

    def touch(self, path: Path) -> None:
        """Give `path` a new time of change, which a fast test cannot wait for."""
        self.clock_ns += 1_000_000_000
        os.utime(path, ns=(self.clock_ns, self.clock_ns))

    def looks(self, count: int) -> list[bool]:
        return [self.watcher.changed() for _ in range(count)]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_files_that_stay_as_they_are_have_not_changed(folder: Folder) -> None:
    assert folder.looks(4) == [False] * 4


@pytest.mark.parametrize("name", ["toml", "csv"])
def test_a_change_is_told_once_after_two_looks_alike(folder: Folder, name: str) -> None:
    folder.looks(2)
    folder.write(getattr(folder, name), "b = 22\n")
    assert folder.looks(4) == [False, True, False, False]


def test_a_change_between_loading_and_the_first_look_is_not_missed(folder: Folder) -> None:
    folder.write(folder.toml, "b = 22\n")
    assert folder.looks(3) == [False, True, False]


def test_a_change_of_equal_length_is_noticed_by_its_time(folder: Folder) -> None:
    folder.looks(2)
    folder.write(folder.toml, "a = 2\n")
    folder.touch(folder.toml)
    assert folder.looks(3) == [False, True, False]


def test_a_touched_file_with_the_same_contents_has_not_changed(folder: Folder) -> None:
    folder.looks(2)
    folder.touch(folder.toml)
    assert folder.looks(3) == [False] * 3


def test_a_file_that_is_still_being_written_is_left_alone(folder: Folder) -> None:
    folder.looks(2)
    told = []
    for length in range(5):
        folder.write(folder.toml, "b" * (10 + length))
        told += folder.looks(1)
    assert told == [False] * 5
    assert folder.looks(2) == [True, False]


def test_an_editor_that_replaces_the_file_is_followed(folder: Folder) -> None:
    folder.looks(2)
    folder.toml.rename(folder.toml.with_suffix(".bak"))
    assert folder.looks(1) == [False]
    folder.write(folder.toml, "b = 2\n")
    assert folder.looks(3) == [False, True, False]


def test_a_file_that_is_gone_for_good_has_changed(folder: Folder) -> None:
    folder.looks(2)
    folder.csv.unlink()
    assert folder.looks(3) == [False, True, False]


def test_a_file_that_is_mended_after_a_refusal_is_told(folder: Folder, tmp_path: Path) -> None:
    folder.write(folder.toml, "broken")
    assert folder.looks(2) == [False, True]
    missing = tmp_path / "plan.svg"
    folder.watcher.follow(
        (folder.toml, missing), fingerprint({folder.toml: b"broken", missing: None})
    )
    assert folder.looks(3) == [False] * 3
    folder.write(missing, "<svg/>")
    assert folder.looks(3) == [False, True, False]


def test_after_a_reload_the_new_files_count_as_known(folder: Folder) -> None:
    folder.write(folder.toml, "b = 22\n")
    assert folder.looks(2) == [False, True]
    folder.watcher.follow((folder.toml, folder.csv), folder.fingerprint())
    assert folder.looks(3) == [False] * 3


@pytest.mark.parametrize(
    "text",
    ["broken", '[[line]]\nid = "a"\nname = "A"\nfloor_plan = "plan.png"\n', "#" * 5 * 1024 * 1024],
    ids=["syntax", "floor plan of another kind", "too large"],
)
def test_a_mistake_that_was_refused_is_not_told_again(folder: Folder, text: str) -> None:
    folder.write(folder.toml, text)
    folder.write(folder.toml.with_name("plan.png"), "<svg/>")
    with pytest.raises(ConfigError) as refused:
        load_config(folder.toml, DRIVERS)
    folder.watcher.follow(refused.value.files, refused.value.fingerprint)
    assert folder.looks(3) == [False] * 3


def test_a_fix_saved_while_the_mistake_was_being_judged_is_told(folder: Folder) -> None:
    folder.write(folder.toml, "broken")
    with pytest.raises(ConfigError) as refused:
        load_config(folder.toml, DRIVERS)
    folder.write(folder.toml, "mended")
    folder.watcher.follow(refused.value.files, refused.value.fingerprint)
    assert folder.looks(3) == [False, True, False]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_in_place_of_the_file_is_not_waited_for(folder: Folder) -> None:
    folder.toml.unlink()
    os.mkfifo(folder.toml)
    assert folder.looks(3) == [False, True, False]
