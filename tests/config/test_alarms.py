"""What alarm tables and `[alarms]` turn into. Their mistakes are cases under `cases`."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.test_load import LINE, MACHINE, PLC, TAGS, load, problems
from lineside.core.alarm_text import AlarmRules, AlarmText, Severity
from lineside.core.limits import ALARM_MESSAGES_MAX
from lineside.core.model import TagRole

CODE_TAG = 'alarm_code_tag = "D100"\n'
PLAIN = LINE + PLC + MACHINE + TAGS + CODE_TAG
TABLE = '[[alarm_table]]\nid = "robot"\nfile = "alarms.csv"\n'
OTHER_TABLE = '[[alarm_table]]\nid = "press"\nfile = "press.csv"\n'
DOOR = AlarmText(
    severity=Severity.CRITICAL,
    text_ko="안전문 열림",
    text_en="Safety door open",
    advice_ko="문을 닫으세요.",
    advice_en="Close the door.",
)
CSV = (
    "code,severity,text_ko,text_en,advice_ko,advice_en\n"
    "0x0C,Critical,안전문 열림,Safety door open,문을 닫으세요.,Close the door.\n"
)


def messages(folder: Path, csv: bytes) -> dict[int, AlarmText]:
    return dict(load(folder, PLAIN + TABLE, alarms_csv=csv).site.alarm_tables["robot"])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949"])
def test_a_message_table_says_what_each_code_means(tmp_path: Path, encoding: str) -> None:
    assert messages(tmp_path, CSV.encode(encoding)) == {12: DOOR}


def test_what_a_message_leaves_out_is_high_and_said_in_korean(tmp_path: Path) -> None:
    csv = "code;Korean;advice\n-3;원점 이탈;원점 복귀\n4;과열;\n"
    assert messages(tmp_path, csv.encode()) == {
        -3: AlarmText(
            severity=Severity.HIGH,
            text_ko="원점 이탈",
            text_en="원점 이탈",
            advice_ko="원점 복귀",
            advice_en="원점 복귀",
        ),
        4: AlarmText(severity=Severity.HIGH, text_ko="과열", text_en="과열"),
    }


def test_a_machine_speaks_by_its_own_table_or_by_the_only_one(tmp_path: Path) -> None:
    one = load(tmp_path, PLAIN + TABLE, alarms_csv=CSV.encode())
    (machine,) = one.site.lines[0].equipment
    assert (machine.alarm_table, machine.addresses[TagRole.ALARM_CODE]) == ("robot", "D100")
    assert "D100" in one.addresses["PLC01"]

    files = {"alarms_csv": CSV.encode(), "press_csv": CSV.encode()}
    none = load(tmp_path, PLAIN + TABLE + OTHER_TABLE, **files)
    assert none.site.lines[0].equipment[0].alarm_table is None
    told = [str(warning) for warning in none.warnings]
    assert any("which of robot, press explains its codes is not said" in each for each in told)
    own = load(tmp_path, PLAIN + 'alarm_table = "press"\n' + TABLE + OTHER_TABLE, **files)
    assert own.site.lines[0].equipment[0].alarm_table == "press"
    assert not any("is not said" in str(warning) for warning in own.warnings)


def test_delays_and_the_longest_shelf_are_as_configured(tmp_path: Path) -> None:
    rules = '[alarms]\non_delay = "2s"\noff_delay = "500ms"\nshelf_max = "8h"\n'
    assert load(tmp_path, PLAIN).site.alarm_rules == AlarmRules(
        on_delay_s=0.0, off_delay_s=0.0, shelf_max_s=86_400.0
    )
    assert load(tmp_path, PLAIN + rules).site.alarm_rules == AlarmRules(
        on_delay_s=2.0, off_delay_s=0.5, shelf_max_s=28_800.0
    )


def test_a_message_table_that_changes_is_another_config(tmp_path: Path) -> None:
    first = load(tmp_path, PLAIN + TABLE, alarms_csv=CSV.encode())
    second = load(tmp_path, PLAIN + TABLE, alarms_csv=CSV.replace("Critical", "low").encode())
    assert tmp_path / "alarms.csv" in first.files
    assert first.fingerprint != second.fingerprint


def test_a_message_table_has_a_limit(tmp_path: Path) -> None:
    rows = "".join(f"{code},가\n" for code in range(1, ALARM_MESSAGES_MAX + 2))
    (problem,) = problems(tmp_path, PLAIN + TABLE, alarms_csv=f"code,text_ko\n{rows}".encode())
    assert str(problem) == (
        f"{tmp_path / 'alarms.csv'}: holds {ALARM_MESSAGES_MAX + 1} messages, "
        f"at most {ALARM_MESSAGES_MAX} are allowed\n    spread them over several alarm tables"
    )
