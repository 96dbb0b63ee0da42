"""Files that exports are written into: CSV, Excel and Parquet.

Times: CSV and Excel show the plant's clock, because people read them, with a second column in UTC
that has the milliseconds, and say in the last column whose clock it is; Parquet has one column with
a zone. CSV shows whole seconds, because Excel shows a time with fractions as "00:00.0". Numbers are
the same doubles in every format and in REST. Texts are never taken for formulas.
"""

from __future__ import annotations

import csv
import io
import re
import tempfile
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import IO, Any, Protocol
from zoneinfo import ZoneInfo

from lineside.core.errors import LinesideError
from lineside.core.times import iso_utc
from lineside.history.export_rows import ColumnKind, ExportColumn, Row

EXCEL_ROWS_MAX = 1_048_575  # without the header
_EXCEL_TEXT_MAX = 32_767
_FORMULA = (
    *("=", "+", "-", "@", "\t", "\r", "\n"),
    "\N{FULLWIDTH EQUALS SIGN}",
    "\N{FULLWIDTH PLUS SIGN}",
    "\N{FULLWIDTH HYPHEN-MINUS}",
    "\N{FULLWIDTH COMMERCIAL AT}",
)
_PLAIN_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ExportFormat(StrEnum):
    """How an export is written."""

    CSV = "csv"
    EXCEL = "xlsx"
    PARQUET = "parquet"


MEDIA_TYPES = {
    ExportFormat.CSV: "text/csv; charset=utf-8",
    ExportFormat.EXCEL: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ExportFormat.PARQUET: "application/vnd.apache.parquet",
}


class ExportError(LinesideError):
    """An export cannot be written so. Says what to do; the user's to mend."""


class ExportFile(Protocol):
    """A file under construction."""

    def write(self, rows: Iterable[Row]) -> None:
        """Add rows."""

    def close(self) -> None:
        """Write what is missing; the stream stays open."""

    def discard(self) -> None:
        """Remove the temporary files, in any case and last: also when `close` was not reached."""


def open_export(
    format_: ExportFormat,
    stream: IO[bytes],
    columns: Sequence[ExportColumn],
    zone: ZoneInfo,
    title: str,
) -> ExportFile:
    """Return a file of `format_` with the header of `columns`, written into `stream`.

    Raises:
        ExportError: the library for it is not installed.
    """
    if format_ is ExportFormat.CSV:
        return _CsvFile(stream, columns, zone)
    if format_ is ExportFormat.EXCEL:
        return _ExcelFile(stream, columns, zone, title)
    return _ParquetFile(stream, columns)


class _CsvFile:
    def __init__(self, stream: IO[bytes], columns: Sequence[ExportColumn], zone: ZoneInfo) -> None:
        self._columns, self._zone = columns, zone
        # With a byte order mark, or Excel takes Korean for another encoding.
        self._text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="", write_through=True)
        self._writer = csv.writer(self._text)
        self._writer.writerow(_headings(columns))

    def write(self, rows: Iterable[Row]) -> None:
        for row in rows:
            cells: list[Any] = []
            for column, value in zip(self._columns, row, strict=True):
                if column.kind is ColumnKind.TIME:
                    local = None if value is None else _local(value, self._zone)
                    shown = "" if local is None else local.isoformat(" ", "seconds")
                    cells += [shown, "" if value is None else iso_utc(value / 1000)]
                elif column.kind is ColumnKind.TEXT and value is not None:
                    cells.append(_harmless(str(value)))
                else:
                    cells.append(value)
            self._writer.writerow([*cells, self._zone.key])

    def close(self) -> None:
        self._text.flush()
        self._text.detach()

    def discard(self) -> None:
        """Nothing: it has no temporary files."""


class _ExcelFile:
    def __init__(
        self, stream: IO[bytes], columns: Sequence[ExportColumn], zone: ZoneInfo, title: str
    ) -> None:
        import xlsxwriter

        self._columns, self._zone = columns, zone
        # Rows go to a temporary file as they come: memory stays small however many there are. The
        # library removes it only when the book is closed, hence a folder of our own.
        self._folder = tempfile.TemporaryDirectory(
            prefix="lineside-export-", ignore_cleanup_errors=True
        )
        self._book = xlsxwriter.Workbook(
            stream,
            {
                "constant_memory": True,
                "strings_to_formulas": False,
                "tmpdir": self._folder.name,
            },
        )
        self._sheet = self._book.add_worksheet(title, worksheet_class=_exact_worksheet())
        heading = self._book.add_format({"bold": True})
        self._time = self._book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss.000"})
        self._share = self._book.add_format({"num_format": "0.0000"})
        names = _headings(columns)
        self._sheet.set_column(0, len(names) - 1, 18)
        self._sheet.freeze_panes(1, 0)
        self._sheet.autofilter(0, 0, 0, len(names) - 1)
        for index, name in enumerate(names):
            self._sheet.write_string(0, index, name, heading)
        self._row = 0

    def write(self, rows: Iterable[Row]) -> None:
        for row in rows:
            self._row += 1
            if self._row > EXCEL_ROWS_MAX:
                raise ExportError(
                    f"more than {EXCEL_ROWS_MAX:,} rows do not fit into an Excel sheet: "
                    "choose a shorter time, fewer machines, or CSV"
                )
            self._write_row(row)

    def _write_row(self, row: Row) -> None:
        at = 0
        for column, value in zip(self._columns, row, strict=True):
            if column.kind is ColumnKind.TIME:
                if value is not None:
                    local = _local(value, self._zone)
                    self._sheet.write_datetime(self._row, at, local, self._time)
                    self._sheet.write_string(self._row, at + 1, iso_utc(value / 1000))
                at += 2
                continue
            if value is None:
                pass
            elif column.kind is ColumnKind.TEXT:
                self._sheet.write_string(self._row, at, str(value)[:_EXCEL_TEXT_MAX])
            elif column.kind is ColumnKind.TRUTH:
                self._sheet.write_boolean(self._row, at, value)
            else:
                is_share = column.kind is ColumnKind.NUMBER
                self._sheet.write_number(self._row, at, value, self._share if is_share else None)
            at += 1
        self._sheet.write_string(self._row, at, self._zone.key)

    def close(self) -> None:
        self._book.close()

    def discard(self) -> None:
        """Remove the folder with the rows."""
        if self._sheet.row_data_fh is not None:
            self._sheet.row_data_fh.close()
        self._folder.cleanup()


class _ParquetFile:
    def __init__(self, stream: IO[bytes], columns: Sequence[ExportColumn]) -> None:
        try:
            import pyarrow
            import pyarrow.parquet
        except ImportError:
            raise ExportError(
                "Parquet needs a library that is not installed here: "
                "pip install 'lineside[parquet]'. CSV and Excel need nothing"
            ) from None
        types: dict[ColumnKind, Any] = {
            ColumnKind.TEXT: pyarrow.string(),
            ColumnKind.TIME: pyarrow.timestamp("ms", tz="UTC"),
            ColumnKind.WHOLE: pyarrow.int64(),
            ColumnKind.NUMBER: pyarrow.float64(),
            ColumnKind.TRUTH: pyarrow.bool_(),
        }
        self._pyarrow = pyarrow
        self._schema = pyarrow.schema([(each.name, types[each.kind]) for each in columns])
        self._kinds = [each.kind for each in columns]
        self._writer = pyarrow.parquet.ParquetWriter(stream, self._schema)

    def write(self, rows: Iterable[Row]) -> None:
        rows = list(rows)
        arrays = []
        for index, field in enumerate(self._schema):
            values = [row[index] for row in rows]
            if self._kinds[index] is ColumnKind.TEXT:
                values = [None if value is None else str(value) for value in values]
            arrays.append(self._pyarrow.array(values, type=field.type))
        self._writer.write_table(self._pyarrow.table(arrays, schema=self._schema))

    def close(self) -> None:
        self._writer.close()

    def discard(self) -> None:
        """Nothing: it has no temporary files."""


def _headings(columns: Iterable[ExportColumn]) -> list[str]:
    names: list[str] = []
    for column in columns:
        names.append(column.name)
        if column.kind is ColumnKind.TIME:
            names.append(f"{column.name}_utc")
    return [*names, "time_zone"]


def _exact_worksheet() -> type[Any]:
    """Return the library's sheet with numbers as they are: it rounds them to 16 digits itself."""
    from xlsxwriter.worksheet import Worksheet

    class ExactWorksheet(Worksheet):  # type: ignore[misc]
        def _xml_number_element(
            self, number: float, attributes: Sequence[tuple[str, Any]] = ()
        ) -> None:
            shown = "".join(f' {key}="{value}"' for key, value in attributes)
            self.fh.write(f"<c{shown}><v>{number!r}</v></c>")

    return ExactWorksheet


def _local(at_ms: int, zone: ZoneInfo) -> datetime:
    moment = _EPOCH + timedelta(milliseconds=at_ms)
    return moment.astimezone(zone).replace(tzinfo=None)


def _harmless(text: str) -> str:
    """Return `text` so that no spreadsheet takes it for a formula. A number is none: -1 stays."""
    if not text.startswith(_FORMULA) or _PLAIN_NUMBER.fullmatch(text):
        return text
    return f"'{text}"
