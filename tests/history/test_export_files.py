"""Files of exports: what stands in their cells."""

from __future__ import annotations

import csv
import io
from zoneinfo import ZoneInfo

import pytest

from lineside.history.export_files import ExportFormat, open_export
from lineside.history.export_rows import ColumnKind, ExportColumn

SEOUL = ZoneInfo("Asia/Seoul")
VALUE = (ExportColumn("value", ColumnKind.TEXT),)


def cell(text: str) -> str:
    """What a CSV file has for `text`."""
    stream = io.BytesIO()
    file = open_export(ExportFormat.CSV, stream, VALUE, SEOUL, "changes")
    file.write([[text]])
    file.close()
    _, (found,) = csv.reader(io.StringIO(stream.getvalue().decode("utf-8-sig"), newline=""))
    return found


@pytest.mark.parametrize("text", ["-1", "+3", "-0.25", "-1e-05", "1", "running", "a=1", "", "a-1"])
def test_numbers_and_words_stay_as_they_are(text: str) -> None:
    assert cell(text) == text


@pytest.mark.parametrize(
    "text", ["=1+1", "-1+2", "+1-1", "-A1", "@SUM(1)", "-", "--1", "-1\n", "-1,2"]
)
def test_what_a_spreadsheet_might_compute_is_quoted(text: str) -> None:
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize("sign", "\t\r\n\uff1d\uff0b\uff0d\uff20")
def test_blanks_and_full_width_signs_hide_no_formula(sign: str) -> None:
    assert cell(f"{sign}1") == f"'{sign}1"
