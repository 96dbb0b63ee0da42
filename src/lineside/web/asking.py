"""What every question about the past has in common: which machines, which time, and how to ask.

Windows and machines are checked here, once, so that each refusal names the parameter that is meant.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import msgspec
from fastapi import Query
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, StringConstraints

from lineside.core.asked_time import AskedTime
from lineside.core.calendar import LineCalendar
from lineside.core.errors import HistoryError
from lineside.core.model import Equipment, Line, Site
from lineside.core.ports import Clock
from lineside.core.times import iso_utc, unix_ms
from lineside.history.service import History
from lineside.web.answers import Encoded, tagged
from lineside.web.live import LiveView
from lineside.web.problem import Problem, not_found, not_there, not_ticking
from lineside.web.schema import ProblemView

if TYPE_CHECKING:  # it loads the database libraries, which is the history's thread's business
    from lineside.history.store import Store

WINDOW_MAX_DAYS = 400
PAGE_MAX = 1_000
_DAY_MS = 86_400_000
_YEAR_MAX_MS = 4_102_444_800_000  # 2100

T = TypeVar("T")

From = Annotated[
    AwareDatetime, Query(alias="from", description="Begin of the window (ISO 8601 with offset).")
]
To = Annotated[AwareDatetime, Query(alias="to", description="Its end, not included.")]
Day = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\d$")]
FromOrDay = Annotated[
    AwareDatetime | Day,
    Query(
        alias="from",
        description="Begin of the window: a moment (ISO 8601 with offset), or a day of the line, "
        "with all its shifts (2026-03-02).",
    ),
]
ToOrDay = Annotated[
    AwareDatetime | Day,
    Query(alias="to", description="Its end, not included: a moment, or the day before which."),
]
LineQuery = Annotated[
    str | None, Query(alias="line", description="Only this line's machines.", max_length=200)
]
CodeQuery = Annotated[
    str | None, Query(alias="code", description="Only this machine.", max_length=200)
]
Cursor = Annotated[
    str | None, Query(description="`next` of the page before.", pattern=r"^\d{1,9}$")
]
Limit = Annotated[int, Query(description="Rows on one page.", ge=1, le=PAGE_MAX)]


class Span(msgspec.Struct, frozen=True):
    """A window as asked for, in ms."""

    begin_ms: int
    end_ms: int


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """The machines that a question is about. `line` is theirs, or the first one's.

    `lines` are those that have any of them, each with its own. A machine that was moved is in each
    of its lines, unless a line was named.
    """

    line: Line
    lines: tuple[tuple[Line, tuple[Equipment, ...]], ...]
    machines: tuple[Equipment, ...]
    calendar: LineCalendar

    @property
    def codes(self) -> list[str]:
        """Their codes, in configured order, each once."""
        return list(dict.fromkeys(machine.code for machine in self.machines))


class Past:
    """One history behind REST, with the plant as it is configured now."""

    def __init__(self, live: LiveView, history: History | None, clock: Clock) -> None:
        self._live = live
        self._history = history
        self._clock = clock

    @property
    def site(self) -> Site:
        """The plant as configured now."""
        if self._live.site is None:
            raise not_ticking(None)
        return self._live.site

    def _kept(self) -> History:
        if self._history is None:
            raise Problem(
                HTTPStatus.SERVICE_UNAVAILABLE, "The history is switched off in the configuration."
            )
        return self._history

    def now_ms(self) -> int:
        """Return the present."""
        return unix_ms(self._clock().unix_s)

    def known_until_ms(self) -> int:
        """Return where windows of the past end: what is on its way into it is not unseen."""
        now_ms = self.now_ms()
        return now_ms if self._history is None else self._history.known_until_ms(now_ms)

    def choose(self, line: str | None, code: str | None) -> Chosen:
        """Return the machines of `line`, or the one `code`; without either all.

        Raises:
            Problem: 404 for what is not configured.
        """
        return self._choose(self.site.lines, line, code, is_now=True)

    async def choose_in(
        self, line: str | None, code: str | None, begin_ms: int, end_ms: int
    ) -> Chosen:
        """Return as `choose` does, each line with the machines that were in it in the window.

        Raises:
            Problem: 404 for what was not configured then and is not now; 503 as `ask`.
        """
        lines = self.site.lines

        async def question(store: Store) -> tuple[tuple[Line, ...], bool]:
            configured = await store.configurations.read()
            was_ever = code is not None and configured.machine(code) is not None
            return configured.lines_in(lines, begin_ms, end_ms), was_ever

        found, was_ever = await self.ask(question)
        is_there = any(m.code == code for each in found for m in each.equipment)
        if code is not None and line is None and not is_there:
            found = lines  # it was nowhere then: asked for by its name it has its line of now
        return self._choose(found, line, code, was_ever=was_ever)

    async def check_line_in(self, line: str | None, begin_ms: int, end_ms: int) -> None:
        """Check that a line is configured, or was at some time in a window.

        Raises:
            Problem: 404 when not; 503 as `ask`.
        """
        if line is not None and all(each.id != line for each in self.site.lines):
            await self.choose_in(line, None, begin_ms, end_ms)

    def _choose(
        self,
        lines: Sequence[Line],
        line: str | None,
        code: str | None,
        *,
        was_ever: bool = False,
        is_now: bool = False,
    ) -> Chosen:
        found = lines
        if line is not None:
            found = [each for each in lines if each.id == line]
            if not found:
                raise not_found("line", line, [each.id for each in lines])
        if code is not None:
            found = [each for each in found if any(m.code == code for m in each.equipment)]
            if not found and (was_ever or code in self._live.equipment_by_code):
                raise not_there(code, line, is_now=is_now)
            if not found:
                raise not_found("equipment", code, self._live.equipment_by_code)
        chosen = tuple(
            (each, tuple(m for m in each.equipment if code in (None, m.code))) for each in found
        )
        return Chosen(
            line=found[0],
            lines=chosen,
            machines=tuple(machine for _, machines in chosen for machine in machines),
            calendar=self.site.calendar.of_line(found[0].id),
        )

    async def ask(self, question: Callable[[Store], Awaitable[T]]) -> T:
        """Return what the history answers.

        Raises:
            Problem: 503 with the reason; whether it helps to ask again is in the headers.
        """
        try:
            return await self._kept().ask(question)
        except HistoryError as error:
            raise _unavailable(f"The history cannot be read now: {error}.") from error

    async def write(self, change: Callable[[Store], Awaitable[T]]) -> T:
        """Return what comes of a change that somebody makes by hand.

        Raises:
            Problem: 503 with the reason: it is not known to be kept.
        """
        try:
            return await self._kept().ask(change, is_urgent=True)
        except HistoryError as error:
            raise _unavailable(
                f"It is not known whether this is kept: {error}. Look before you enter it again."
            ) from error

    async def ask_encoded(self, question: Callable[[Store], Awaitable[bytes]]) -> Encoded:
        """Return the body that the history answers with, tagged in its thread: it may be large.

        Raises:
            Problem: as `ask`.
        """

        async def tagged_there(store: Store) -> Encoded:
            return tagged(await question(store))

        return await self.ask(tagged_there)


def _unavailable(detail: str) -> Problem:
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers={"Retry-After": "5"})


def not_known_yet(until_ms: int) -> Problem:
    """Return the 503 for a moment that the history does not reach, at `until_ms` or later."""
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        f"That moment is not known yet: the history reaches up to {iso_utc(until_ms / 1000)}.",
        headers={"Retry-After": "1"},
    )


def window(begin: datetime, end: datetime, *, days_max: int = WINDOW_MAX_DAYS) -> Span:
    """Return the window from `from` to `to`.

    Raises:
        Problem: 422 when it is empty, too long, or beyond what clocks show.
    """
    begin_ms, end_ms = moment("from", begin), moment("to", end)
    _check_window(begin_ms, end_ms, days_max)
    return Span(begin_ms, end_ms)


def _check_window(begin_ms: int, end_ms: int, days_max: int) -> None:
    if end_ms <= begin_ms:
        raise refused("to", "must be after `from`")
    if end_ms - begin_ms > days_max * _DAY_MS:
        raise refused("to", f"the window may have {days_max} days at most")


def asked_time(begin: datetime | str, end: datetime | str) -> AskedTime:
    """Return what `from` and `to` mean for each line, moments or days.

    Raises:
        Problem: 422 when one is no day of the calendar or beyond what clocks show.
    """
    return AskedTime(begin=_bound("from", begin), end=_bound("to", end))


def window_of_all(asked: AskedTime, lines: Sequence[Line], site: Site) -> Span:
    """Return the window that holds what is asked of each of `lines`.

    Raises:
        Problem: 422 when it is empty or too long.
    """
    found = asked.of_all(site.calendar.of_line(line.id) for line in lines)
    _check_window(found.begin_ms, found.end_ms, WINDOW_MAX_DAYS)
    return Span(found.begin_ms, found.end_ms)


def _bound(name: str, at: datetime | str) -> int | date:
    if isinstance(at, datetime):
        return moment(name, at)
    try:
        day = date.fromisoformat(at)
    except ValueError:
        raise refused(name, f"{at} is no day of the calendar") from None
    if not 1971 <= day.year <= 2099:
        raise refused(name, "must lie between 1971 and 2099")
    return day


def moment(name: str, at: datetime) -> int:
    """Return a time that a client sent, in ms.

    Raises:
        Problem: 422 when it is no time that a plant may ask for.
    """
    at_ms = unix_ms(at.timestamp())
    if not 0 <= at_ms < _YEAR_MAX_MS:
        raise refused(name, "must lie between 1970 and 2100")
    return at_ms


def refused(name: str, what: str) -> Problem:
    """Return the 422 for one parameter that makes no sense."""
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"{name}: {what}.")


def documented(model: type, *, not_found: str = "No such line or machine.") -> dict[Any, Any]:
    """Return the answers of a question about the past, for OpenAPI."""
    return {
        200: {"model": model, "description": "As described."},
        304: {"description": "The client's copy (If-None-Match) is current."},
        404: described(not_found),
        422: described("A parameter makes no sense; the detail names it."),
        503: described("The history cannot be read now: see the detail."),
    }


def described(description: str) -> dict[str, Any]:
    """Return a refusal, for OpenAPI."""
    return {"model": ProblemView, "description": description}


JSON = JSONResponse
