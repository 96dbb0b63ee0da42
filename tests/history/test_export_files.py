"""Files of exports: what stands in their cells."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from random import Random
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
    _, (found, _) = csv.reader(io.StringIO(stream.getvalue().decode("utf-8-sig"), newline=""))
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


def test_a_time_in_csv_is_one_that_excel_shows_whole_with_its_milliseconds_in_utc() -> None:
    stream = io.BytesIO()
    columns = (ExportColumn("at", ColumnKind.TIME),)
    file = open_export(ExportFormat.CSV, stream, columns, SEOUL, "changes")
    file.write([[1_772_380_800_123]])
    file.close()
    head, row = csv.reader(io.StringIO(stream.getvalue().decode("utf-8-sig"), newline=""))
    assert head == ["at", "at_utc", "time_zone"]
    # Excel reads a time with fractions of a second as a number and shows "00:00.1".
    assert row == ["2026-03-02 01:00:00", "2026-03-01T16:00:00.123Z", "Asia/Seoul"]


def doubles() -> list[float]:
    rng = Random(7)
    some = [rng.uniform(0, 1) for _ in range(400)] + [rng.uniform(0, 9e9) for _ in range(100)]
    return [*some, 1 / 3, 8 / 9, 0.1 + 0.2, 5e-324, 0.0, 1.0, 2**53 + 0.0, 1e21]


def test_numbers_in_excel_and_csv_are_the_same_doubles() -> None:
    numbers = doubles()
    columns = (ExportColumn("value", ColumnKind.NUMBER),)
    found = {}
    for format_ in (ExportFormat.EXCEL, ExportFormat.CSV):
        stream = io.BytesIO()
        file = open_export(format_, stream, columns, SEOUL, "kpis")
        file.write([[number] for number in numbers])
        file.close()
        file.discard()
        found[format_] = stream
    with zipfile.ZipFile(found[ExportFormat.EXCEL]) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert [float(text) for text in re.findall(r"<v>([^<]*)</v>", sheet)] == numbers
    text = io.StringIO(found[ExportFormat.CSV].getvalue().decode("utf-8-sig"), newline="")
    assert [float(row[0]) for row in list(csv.reader(text))[1:]] == numbers
