"""What a good configuration turns into, and how files are read that are not plain UTF-8."""

from __future__ import annotations

import codecs
import errno
import os
from pathlib import Path
from typing import Literal
from unicodedata import normalize

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lineside.config import LoadedConfig, load_config
from lineside.config.schema import EquipmentConfig, LineConfig, PlcConfig
from lineside.core.errors import ConfigError, ConfigProblem
from lineside.core.limits import EQUIPMENT_MAX
from lineside.core.model import Status, TagRole
from lineside.drivers import DRIVERS

LINE = '[[line]]\nid = "weld1"\nname = "용접 1라인"\n'
PLC = '[[plc]]\nid = "PLC01"\nhost = "192.168.3.39"\nport = 5010\nfamily = "Q"\n'
MACHINE = '[[equipment]]\ncode = "KRCWO12ELOA101"\nname = "Upper 로봇 용접"\nplc = "PLC01"\n'
TAGS = 'status_tag = "M100"\nerror_tag = "M200"\n'
PNG = b"\x89PNG\r\n\x1a\n" + bytes(16)


def load(folder: Path, text: str | bytes, **files: bytes) -> LoadedConfig:
    """Load `text` from `folder`, beside files whose names have `_` for the dot."""
    path = folder / "lineside.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    for name, contents in files.items():
        (folder / name.replace("_", ".")).write_bytes(contents)
    return load_config(path, DRIVERS)


def problems(folder: Path, text: str | bytes, **files: bytes) -> tuple[ConfigProblem, ...]:
    with pytest.raises(ConfigError) as caught:
        load(folder, text, **files)
    return caught.value.problems


def test_the_site_holds_what_the_file_says(tmp_path: Path) -> None:
    plan = 'floor_plan = "plan.png"\n'
    position = "position = { x = 8, y = 20 }\n"
    loaded = load(tmp_path, LINE + plan + PLC + MACHINE + TAGS + position, plan_png=PNG)
    (line,) = loaded.site.lines
    (machine,) = line.equipment
    assert (line.id, line.name, line.floor_plan) == (
        "weld1",
        "용접 1라인",
        str(tmp_path / "plan.png"),
    )
    assert machine.code == "KRCWO12ELOA101"
    assert machine.addresses == {TagRole.STATUS: "M100", TagRole.ERROR: "M200"}
    assert (machine.line_id, machine.plc_id, machine.position) == ("weld1", "PLC01", (8.0, 20.0))
    assert loaded.site.plcs[0].endpoint == "192.168.3.39:5010 TCP 3E binary"
    assert not loaded.site.is_demo
    assert loaded.warnings == ()


def test_a_machine_without_a_line_belongs_to_the_only_line(tmp_path: Path) -> None:
    loaded = load(tmp_path, LINE + PLC + MACHINE + TAGS)
    assert [machine.line_id for machine in loaded.site.lines[0].equipment] == ["weld1"]


@pytest.mark.parametrize(
    ("of_line", "of_machine", "expected"),
    [
        ("", "", 300.0),
        ('stop_after = "1m"\n', "", 60.0),
        ('stop_after = "1m"\n', 'stop_after = "never"\n', None),
        ('stop_after = "never"\n', "", None),
        ('stop_after = "never"\n', "stop_after = 0\n", 0.0),
        ('stop_after = "never"\n', 'stop_after = "5m"\n', 300.0),
        ('stop_after = "5m"\n', 'stop_after = "5m"\n', 300.0),
    ],
)
def test_a_machine_has_its_own_stop_time_or_that_of_its_line(
    tmp_path: Path, of_line: str, of_machine: str, expected: float | None
) -> None:
    loaded = load(tmp_path, LINE + of_line + PLC + MACHINE + TAGS + of_machine)
    (machine,) = loaded.site.lines[0].equipment
    assert machine.rule.stop_after_s == expected
    assert machine.has_own_stop_after is (of_machine != "")


@pytest.mark.parametrize(
    ("of_line", "of_plc", "of_machine", "expected"),
    [
        ("", "", "", 3.0),
        ("", 'period = "2s"\n', "", 6.0),
        ("", 'period = "1.1s"\n', "", 6.0),  # polls fit the ticks
        ('stale_after = "5s"\n', 'period = "2s"\n', "", 5.0),
        ('stale_after = "5s"\n', 'period = "2s"\n', 'stale_after = "9s"\n', 9.0),
    ],
)
def test_a_read_is_stale_after_three_periods_and_at_least_three_seconds_unless_told(
    tmp_path: Path, of_line: str, of_plc: str, of_machine: str, expected: float
) -> None:
    loaded = load(tmp_path, LINE + of_line + PLC + of_plc + MACHINE + TAGS + of_machine)
    assert loaded.site.lines[0].equipment[0].rule.stale_after_s == expected


def test_a_value_map_has_whole_numbers_and_leaves_the_idle_tag_unread(tmp_path: Path) -> None:
    extra = 'status_tag = "D1"\nidle_tag = "M1"\nvalue_map = { 0 = "stopped", 2 = "idle" }\n'
    loaded = load(tmp_path, LINE + PLC + MACHINE + extra)
    machine = loaded.site.lines[0].equipment[0]
    assert machine.rule.value_map == {0: Status.STOPPED, 2: Status.IDLE}
    assert machine.addresses == {TagRole.STATUS: "D1"}
    assert loaded.addresses == {"PLC01": ("D1",)}


def test_each_address_is_read_once_and_the_heartbeat_first(tmp_path: Path) -> None:
    second = MACHINE.replace("101", "102") + 'status_tag = "M101"\nerror_tag = "M200"\n'
    loaded = load(tmp_path, LINE + PLC + 'heartbeat = "D0"\n' + MACHINE + TAGS + second)
    assert loaded.addresses == {"PLC01": ("D0", "M100", "M200", "M101")}
    assert loaded.plans["PLC01"].plc_id == "PLC01"
    assert sum(request.word_count for request in loaded.plans["PLC01"].requests) >= 3


def test_machines_of_the_csv_follow_those_of_the_toml_file(tmp_path: Path) -> None:
    text = LINE + PLC + '[equipment_csv]\nfile = "e.csv"\n' + MACHINE + TAGS
    rows = "code,name,plc,status_tag,value_map,stop_after,position_x,position_y\n"
    rows += "KRCWO12ELOA103,세 번째,PLC01,D1,0=stopped 1=running,never,10%,20.5\n"
    rows += "KRCWO12ELOA102,두 번째,PLC01,M101,,0,,\n"
    loaded = load(tmp_path, text, e_csv=rows.encode())
    first, third, second = loaded.site.lines[0].equipment
    assert [e.code[-3:] for e in (first, third, second)] == ["101", "103", "102"]
    assert third.rule.value_map == {0: Status.STOPPED, 1: Status.RUNNING}
    assert (third.rule.stop_after_s, second.rule.stop_after_s) == (None, 0.0)
    assert (third.position, second.position) == ((10.0, 20.5), None)
    assert [e.code for e in loaded.config.equipment] == [first.code, third.code, second.code]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_csv_may_come_from_any_spreadsheet(
    tmp_path: Path, encoding: str, separator: str, line_end: str
) -> None:
    table = "설비코드,설비명,PLC,상태 태그\nKRCWO12ELOA102,누설 검사,PLC01,M1\n"
    rows = table.replace("\n", line_end).replace(",", separator).encode(encoding)
    text = LINE + PLC + '[equipment_csv]\nfile = "e.csv"\n'
    (machine,) = load(tmp_path, text, e_csv=rows).site.lines[0].equipment
    assert (machine.name, machine.addresses) == ("누설 검사", {TagRole.STATUS: "M1"})


def test_a_file_with_a_byte_order_mark_and_windows_line_ends_is_read(tmp_path: Path) -> None:
    text = (LINE + PLC + MACHINE + TAGS).replace("\n", "\r\n").encode()
    assert load(tmp_path, codecs.BOM_UTF8 + text).config.line[0].name == "용접 1라인"


@pytest.mark.parametrize(
    ("contents", "line", "message"),
    [
        (LINE.encode("utf-16"), None, "is stored as UTF-16"),
        (LINE.encode("cp949"), 3, "is not stored as UTF-8"),
        (b"a" * (4 * 1024 * 1024 + 1), None, "is larger than 4 MB"),
        (b"a = " + b"[" * 5000, None, "cannot be read as TOML: nested too deeply"),
    ],
)
def test_a_file_that_cannot_be_read_gives_one_clear_line(
    tmp_path: Path, contents: bytes, line: int | None, message: str
) -> None:
    (problem,) = problems(tmp_path, contents)
    assert (problem.line, problem.message) == (line, message)


def test_a_file_that_is_not_there_or_no_file_gives_one_clear_line(tmp_path: Path) -> None:
    for path, message in (
        (tmp_path / "none.toml", "there is no such file"),
        (tmp_path, "is a folder, not a file"),
        (tmp_path / ("x" * 300), "cannot be read: File name too long"),
    ):
        with pytest.raises(ConfigError) as caught:
            load_config(path, DRIVERS)
        assert [problem.message for problem in caught.value.problems] == [message]
        assert caught.value.files == (path,)


def test_a_csv_in_no_known_encoding_is_refused(tmp_path: Path) -> None:
    text = LINE + PLC + '[equipment_csv]\nfile = "e.csv"\n'
    messages = [p.message for p in problems(tmp_path, text, e_csv=b"code,name\n\xff\xff,\x80\n")]
    assert "is neither UTF-8 nor CP949 text" in messages


@pytest.mark.parametrize(
    ("name", "image"),
    [
        ("a.png", PNG),
        ("a.jpg", b"\xff\xd8\xff\xe0"),
        ("a.webp", b"RIFF\0\0\0\0WEBPVP8 "),
        ("a.svg", b'<?xml version="1.0"?>\n<!-- plan -->\n<svg viewBox="0 0 1 1"></svg>'),
    ],
)
def test_a_floor_plan_is_an_image_that_browsers_draw(
    tmp_path: Path, name: str, image: bytes
) -> None:
    text = LINE + f'floor_plan = "{name}"\n' + PLC + MACHINE + TAGS
    assert load(tmp_path, text, **{name.replace(".", "_"): image}).site.lines[0].floor_plan
    (problem,) = problems(tmp_path, text, **{name.replace(".", "_"): b"%PDF-1.7"})
    assert problem.path == "line[1].floor_plan"


def test_the_files_to_watch_and_their_fingerprint_cover_toml_csv_and_floor_plan(
    tmp_path: Path,
) -> None:
    text = LINE + 'floor_plan = "p.png"\n' + PLC + MACHINE + TAGS
    text += '[equipment_csv]\nfile = "e.csv"\n'
    rows = b"code,name\nKRCWO12ELOA102,a\n"
    first = load(tmp_path, text, p_png=PNG, e_csv=rows)
    assert [path.name for path in first.files] == ["lineside.toml", "e.csv", "p.png"]
    assert all(path.is_absolute() for path in first.files)
    assert load(tmp_path, text, p_png=PNG, e_csv=rows).fingerprint == first.fingerprint
    others = [
        load(tmp_path, text + "\n", p_png=PNG, e_csv=rows),
        load(tmp_path, text, p_png=PNG + b"x", e_csv=rows),
        load(tmp_path, text, p_png=PNG, e_csv=rows + b"\n"),
    ]
    assert len({first.fingerprint, *(other.fingerprint for other in others)}) == 4


def test_a_refused_configuration_names_the_missing_files_whose_arrival_would_mend_it(
    tmp_path: Path,
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, LINE + '[equipment_csv]\nfile = "e.csv"\n')
    assert caught.value.files == (tmp_path / "lineside.toml", tmp_path / "e.csv")


def test_a_plc_whose_protocol_is_not_installed_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "lineside.toml").write_text(LINE + PLC + MACHINE + TAGS, encoding="utf-8")
    with pytest.raises(ConfigError, match='"melsec" is not installed'):
        load_config(tmp_path / "lineside.toml", {})


def test_more_machines_than_can_be_served_are_one_mistake(tmp_path: Path) -> None:
    rows = "code,name\n" + "".join(f"KRCWO12E{n:06},a\n" for n in range(EQUIPMENT_MAX + 1))
    text = LINE + '[equipment_csv]\nfile = "e.csv"\n'
    (problem,) = problems(tmp_path, text, e_csv=rows.encode())
    assert problem.message == "5001 machines are configured, at most 5000 can be served"


JUNK = st.recursive(
    st.sampled_from(['"x"', "1", "true", "0.5", '"5m"', "1979-05-27", '""']),
    lambda inner: (
        st.lists(inner, max_size=2).map(lambda items: f"[{', '.join(items)}]")
        | st.dictionaries(st.sampled_from(["id", "x", "0"]), inner, max_size=2).map(
            lambda pairs: "{ " + ", ".join(f"{k} = {v}" for k, v in pairs.items()) + " }"
        )
    ),
    max_leaves=4,
)
KEYS = st.sampled_from(
    [
        *LineConfig.model_fields,
        *PlcConfig.model_fields,
        *EquipmentConfig.model_fields,
        *("file", "allowed_origins", "unknown"),
    ]
)
HEADERS = st.sampled_from(
    ["[server]", "[[line]]", "[[plc]]", "[[equipment]]", "[equipment_csv]", "[line]", "[position]"]
)


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(HEADERS, st.dictionaries(KEYS, JUNK, max_size=4)), max_size=5))
def test_any_toml_at_all_loads_or_is_refused_with_every_mistake_in_its_place(
    tmp_path: Path, tables: list[tuple[str, dict[str, str]]]
) -> None:
    text = "".join(
        header + "\n" + "".join(f"{key} = {value}\n" for key, value in pairs.items())
        for header, pairs in tables
    )
    line_count = text.count("\n") + 1
    for problem in problems(tmp_path, text):
        assert problem.message
        assert problem.line is None or 1 <= problem.line <= line_count


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("x" * 300 + ".csv", "File name too long"),
        ("a\\u0000b.csv", "null"),
        (".", "is a folder"),
        ("missing.csv", "there is no file"),
    ],
)
def test_a_csv_file_that_cannot_be_read_is_a_problem_where_it_is_named(
    tmp_path: Path, name: str, said: str
) -> None:
    (problem,) = problems(tmp_path, LINE + PLC + f'[equipment_csv]\nfile = "{name}"\n')
    assert problem.path == "equipment_csv.file"
    assert problem.line == (LINE + PLC).count("\n") + 2
    assert said in problem.message
    assert problem.hint or said == "is a folder"


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions of POSIX")
def test_a_csv_file_in_a_folder_that_may_not_be_entered_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: object, *_flags: object, **_options: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    (tmp_path / "lineside.toml").write_text(LINE + PLC + '[equipment_csv]\nfile = "a/b.csv"\n')
    shut = tmp_path / "a"
    shut.mkdir(mode=0)
    if os.geteuid() == 0:  # whom no permission stops
        is_dir = Path.is_dir
        monkeypatch.setattr(
            Path, "is_dir", lambda path: refuse(path) if path.parent == shut else is_dir(path)
        )
    try:
        with pytest.raises(ConfigError) as caught:
            load_config(tmp_path / "lineside.toml", DRIVERS)
    finally:
        shut.chmod(0o700)
    (problem,) = caught.value.problems
    assert problem.path == "equipment_csv.file"
    assert "may not be read" in problem.message
    assert "permissions" in problem.hint


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_a_problem_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.csv")
    (problem,) = problems(tmp_path, LINE + PLC + '[equipment_csv]\nfile = "a.csv"\n')
    assert "not a regular file" in problem.message


@pytest.mark.parametrize(("written", "on_disk"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_a_file_is_found_however_its_letters_are_put_together(
    tmp_path: Path, written: Literal["NFC", "NFD"], on_disk: Literal["NFC", "NFD"]
) -> None:
    name = normalize(written, "설비.csv")
    (tmp_path / normalize(on_disk, "설비.csv")).write_text(
        "code,name,plc,status_tag\nKRCWO12ELOA101,용접,PLC01,M100\n", encoding="utf-8"
    )
    loaded = load(tmp_path, LINE + PLC + f'[equipment_csv]\nfile = "{name}"\n')
    assert [machine.name for machine in loaded.site.lines[0].equipment] == ["용접"]


def test_names_are_one_name_however_their_letters_are_put_together(tmp_path: Path) -> None:
    machine = MACHINE.replace("Upper 로봇 용접", normalize("NFD", "Upper 로봇 용접"))
    loaded = load(tmp_path, LINE + PLC + machine + TAGS)
    assert loaded.site.lines[0].equipment[0].name == "Upper 로봇 용접"
