"""Korean, and what Chinese and Japanese spreadsheets look like when they are read as Korean."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.test_load import LINE, MACHINE, PLC, TAGS, load, problems
from lineside.config.korean import looks_korean

KOREAN = (
    "안전문 열림",
    "과열",
    "윤활유 부족",
    "밸브 닫힘",
    "엘리베이터 쇄정",
    "호이스트 와이어 꼬임",
    "뚜껑 열림",
    "찍힘",
    "上부 로봇 용접",
    "Emergency stop",
    "",
)
CHINESE = (
    "安全门打开 急停",
    "润滑油不足",
    "电机过载",
    "伺服报警",
    "冷却水温度高",
    "通讯中断",
    "电源故障",
    "缺料",
)
JAPANESE = ("安全扉開", "非常停止ボタン", "サーボ異常", "潤滑油不足")


@pytest.mark.parametrize("text", KOREAN)
def test_words_of_korean_plants_are_korean(text: str) -> None:
    assert looks_korean([text])


@pytest.mark.parametrize("text", CHINESE)
def test_chinese_read_as_cp949_is_not(text: str) -> None:
    assert not looks_korean([text.encode("gbk").decode("cp949")])


@pytest.mark.parametrize("text", JAPANESE)
def test_japanese_read_as_cp949_is_not(text: str) -> None:
    assert not looks_korean([text.encode("shift_jis").decode("cp949", "replace")])


@pytest.mark.parametrize(
    ("encoding", "text"),
    [("gbk", "1,high,安全门打开\n2,high,急停"), ("shift_jis", "1,high,安全扉開")],
)
def test_a_spreadsheet_in_another_encoding_is_refused_never_shown_as_nonsense(
    tmp_path: Path, encoding: str, text: str
) -> None:
    config = LINE + PLC + MACHINE + TAGS + '[[alarm_table]]\nid = "robot"\nfile = "a.csv"\n'
    contents = f"code,severity,text_ko\n{text}\n".encode(encoding)
    (problem,) = problems(tmp_path, config, a_csv=contents)
    assert "is not UTF-8, and read as CP949 it is hardly Korean" in str(problem)
    assert "CSV UTF-8" in str(problem)


def test_a_korean_spreadsheet_in_cp949_is_read(tmp_path: Path) -> None:
    config = LINE + PLC + MACHINE + TAGS + '[[alarm_table]]\nid = "robot"\nfile = "a.csv"\n'
    contents = "code,severity,text_ko\n1,high,안전문 열림\n".encode("cp949")
    loaded = load(tmp_path, config, a_csv=contents)
    assert loaded.site.alarm_tables["robot"][1].text_ko == "안전문 열림"
