"""REST of exports: CSV as a stream, Excel and Parquet through a file. Memory is bounded."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator
from contextlib import aclosing
from http import HTTPStatus
from typing import IO, TYPE_CHECKING, Annotated, Literal

from anyio import to_thread
from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from lineside.core.alarm import AlarmState
from lineside.core.alarm_text import Severity
from lineside.history.kpi_words import RowGrain, RowsBy
from lineside.web.asking import (
    CodeQuery,
    FromOrDay,
    LineQuery,
    Past,
    ToOrDay,
    asked_time,
    described,
    refused,
    window_of_all,
)
from lineside.web.download import Download
from lineside.web.problem import Problem

if TYPE_CHECKING:
    from lineside.history.export_wish import ExportWish

EXPORTS_MAX = 2  # at one time, and one for an address
TAKEN_WITHIN_S = 60.0  # each chunk, or the export ends and makes room
_CHUNK = 64 * 1024
_IN_MEMORY = 1024 * 1024

Kind = Annotated[
    Literal["alarms", "changes", "intervals", "kpis", "plc-events", "server-events", "stops"],
    Path(description="What is exported."),
]
Format = Annotated[Literal["csv", "xlsx", "parquet"], Path(description="How it is written.")]
GrainQuery = Annotated[RowGrain, Query(description="Of `kpis`: into which pieces time is cut.")]
States = Annotated[list[AlarmState], Query(description="Of `alarms`: in any of these states.")]
Severities = Annotated[list[Severity], Query(description="Of `alarms`: of any of these.")]
Text = Annotated[
    str, Query(description="Of `alarms`: to be found in a name, code or message.", max_length=100)
]
ByQuery = Annotated[RowsBy, Query(description="Of `kpis`: a row per machine or per line.")]


class ExportApi:
    """Writes files from one history."""

    def __init__(self, past: Past) -> None:
        self._past = past
        self._running: set[str] = set()  # addresses

    async def export(
        self,
        request: Request,
        kind: Kind,
        format: Format,  # noqa: A002 -- the name of the parameter is part of the interface
        begin: FromOrDay,
        end: ToOrDay,
        line: LineQuery = None,
        code: CodeQuery = None,
        grain: GrainQuery = RowGrain.DAY,
        by: ByQuery = RowsBy.EQUIPMENT,
        state: States = [],  # noqa: B006 -- FastAPI copies it
        severity: Severities = [],  # noqa: B006
        q: Text = "",
    ) -> Response:
        """Return a file for a spreadsheet or a program; times as the plant's clock and UTC show."""
        from lineside.history.export_wish import ExportWish

        if kind != "alarms" and (state or severity or q):
            raise refused("state, severity and q", "only alarms have them")
        asked, site = asked_time(begin, end), self._past.site
        around = window_of_all(asked, site.lines, site)
        begin_ms = around.begin_ms
        if kind == "alarms" and code is not None:
            # One may stand in a line in which its machine was before.
            await self._past.check_line_in(line, around.begin_ms, around.end_ms)
            begin_ms = 0
        chosen = await self._past.choose_in(line, code, begin_ms, around.end_ms)
        whole = window_of_all(asked, [each for each, _ in chosen.lines], site)
        wish = ExportWish(
            site=site,
            lines=chosen.lines,
            begin_ms=whole.begin_ms,
            end_ms=whole.end_ms,
            asked=asked,
            line_id=line,
            code=code,
            now_ms=self._past.known_until_ms(),
            grain=grain,
            by=by,
            is_whole=line is None and code is not None,
            states=tuple(state),
            severities=tuple(severity),
            text=q.strip(),
        )
        address = request.client.host if request.client else ""
        if address in self._running or len(self._running) >= EXPORTS_MAX:
            what = "An export for this address is" if address in self._running else "Others are"
            raise Problem(
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"{what} being written already.",
                headers={"Retry-After": "10"},
            )
        day = chosen.calendar.day_at(asked.of(chosen.calendar).begin_ms)
        chunks = self._chunks(kind, format, wish, address)
        return await self._respond(chunks, format, f"lineside-{kind}-{day}.{format}")

    async def _respond(
        self, chunks: AsyncGenerator[bytes, None], format_: str, name: str
    ) -> Response:
        from lineside.history.export_files import MEDIA_TYPES, ExportFormat

        # The first bytes come before the answer begins: what is wrong can still be told.
        first = await anext(chunks, b"")

        async def body() -> AsyncGenerator[bytes, None]:
            async with aclosing(chunks):
                yield first
                async for chunk in chunks:
                    yield chunk

        headers = {
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        }
        return Download(
            body(),
            media_type=MEDIA_TYPES[ExportFormat(format_)],
            headers=headers,
            taken_within_s=TAKEN_WITHIN_S,
        )

    async def _chunks(
        self, kind: str, format_: str, wish: ExportWish, address: str
    ) -> AsyncGenerator[bytes, None]:
        from lineside.history.export_files import ExportError, ExportFormat, open_export
        from lineside.history.export_rows import SOURCES

        source = SOURCES[kind]
        zone = wish.site.calendar.of_line(wish.lines[0][0].id).zone
        self._running.add(address)
        try:
            with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
                written = await to_thread.run_sync(
                    lambda: open_export(ExportFormat(format_), file, source.columns, zone, kind)
                )
                try:
                    async for rows in source.batches(self._past.ask, wish):
                        await to_thread.run_sync(written.write, rows)
                        if format_ == ExportFormat.CSV:
                            yield _taken(file)
                    await to_thread.run_sync(written.close)
                finally:
                    # Not in a thread: whoever has left must not keep it from being done.
                    written.discard()
                file.seek(0)
                while chunk := await to_thread.run_sync(file.read, _CHUNK):
                    yield chunk
        except ExportError as error:
            status = HTTPStatus.NOT_IMPLEMENTED if format_ == "parquet" else HTTPStatus.CONFLICT
            raise Problem(status, f"{str(error)[:1].upper()}{str(error)[1:]}.") from error
        finally:
            self._running.discard(address)


def add_export_routes(router: APIRouter, api: ExportApi) -> None:
    """Add the route, documented for OpenAPI."""
    router.add_api_route(
        "/api/export/{kind}.{format}",
        api.export,
        methods=["GET"],
        operation_id="export",
        summary="Export",
        responses={
            200: {"description": "The file.", "content": {"text/csv": {}}},
            404: described("No such line or machine."),
            409: described("More rows than such a file can hold."),
            422: described("A parameter makes no sense; the detail names it."),
            501: described("The library for Parquet is not installed."),
            503: described("The history cannot be read now, or other exports are running."),
        },
        response_model=None,
        response_class=StreamingResponse,
        tags=["export"],
    )


def _taken(file: IO[bytes]) -> bytes:
    """Return what was written so far, and empty the file."""
    file.seek(0)
    data = file.read()
    file.seek(0)
    file.truncate()
    return data
