"""The REST interface of alarms: lists, the audit, and what people do to them.

What is open is answered from memory, so that it is there while the database is not.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Container, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Path, Query, Request, Response
from pydantic import AwareDatetime

from lineside.core.alarm import Alarm, AlarmEvent, AlarmEventKind, AlarmKind, AlarmState
from lineside.core.alarm_text import Severity
from lineside.core.errors import AlarmRefused, HistoryError
from lineside.core.ports import Clock
from lineside.core.spans import Span
from lineside.core.times import iso_utc, unix_ms
from lineside.history.alarm_query import (
    ID_MAX,
    AlarmKey,
    AlarmQuery,
    newest_first,
)
from lineside.history.service import History
from lineside.web.alarm_schema import (
    AcknowledgeBody,
    AcknowledgedView,
    AcknowledgeManyBody,
    AlarmDetailView,
    AlarmStatisticsView,
    AlarmsView,
    CommentBody,
    EquipmentStatisticsView,
    RefusedAlarmView,
    ShelveBody,
    UnshelveBody,
)
from lineside.web.alarm_views import alarm_event_view, alarm_view
from lineside.web.answers import encode, encode_in_slices, json_response
from lineside.web.live import LiveView
from lineside.web.problem import Problem, not_found, not_there, not_ticking

if TYPE_CHECKING:  # it loads the database libraries, which is the history's thread's business
    from lineside.history.alarm_statistics import MachineStatistics
    from lineside.history.store import Store

PAGE_MAX = 1_000
RECENT_MAX = 100
DAYS_MAX = 400
_DAY_MS = 86_400_000
_MINUTE_MS = 60_000

AlarmId = Annotated[int, Path(description="As in `/api/alarms`.", ge=0, le=ID_MAX)]
LineId = Annotated[str | None, Query(description="Alarms of one line.", max_length=200)]
Code = Annotated[str | None, Query(description="Alarms of one machine.", max_length=200)]
States = Annotated[list[AlarmState], Query(description="Alarms in any of these states.")]
Severities = Annotated[list[Severity], Query(description="Alarms of any of these.")]
From = Annotated[
    AwareDatetime | None,
    Query(alias="from", description="Alarms whose fault stood at this time or later."),
]
To = Annotated[
    AwareDatetime | None,
    Query(
        alias="to",
        description="Alarms whose fault stood before this time; with `from`, at a time between "
        "them: between two rises of an alarm it did not.",
    ),
]
Text = Annotated[str, Query(description="To be found in a name, code or message.", max_length=100)]
Cursor = Annotated[
    str | None,
    Query(description="`next` of the page before.", pattern=r"^\d{1,15}\.\d{1,18}(\.\d{1,18})?$"),
]
Limit = Annotated[int, Query(description="Alarms on one page.", ge=1, le=PAGE_MAX)]
Recent = Annotated[int, Query(description="How many at most.", ge=1, le=RECENT_MAX)]


class AlarmsApi:
    """Answers from one history, and does what people ask."""

    def __init__(self, live: LiveView, history: History | None, clock: Clock) -> None:
        self._live = live
        self._history = history
        self._clock = clock

    async def alarms(
        self,
        request: Request,
        line: LineId = None,
        code: Code = None,
        state: States = [],  # noqa: B006 -- FastAPI copies it
        severity: Severities = [],  # noqa: B006
        begin: From = None,
        end: To = None,
        q: Text = "",
        cursor: Cursor = None,
        limit: Limit = 100,
    ) -> Response:
        """Return alarms, page by page.

        The first page has those that were raised last, the last raised first. The others follow by
        their ids, the greatest first, which is about the order in which they rose at first: that
        does not change, so that every alarm that is asked for all the time is on a page, whatever
        is raised again meanwhile. What has been raised more than once may be on two pages: the
        later one tells how it stands. An alarm belongs to the line in which its machine was when
        it was raised.
        """
        begin_ms = unix_ms(begin.timestamp()) if begin is not None else None
        end_ms = unix_ms(end.timestamp()) if end is not None else None
        if begin_ms is not None and end_ms is not None:
            _check_window(begin_ms, end_ms)
        await self._check_in(line, code, begin_ms or 0, end_ms)
        first_page_end, before_id = _place(cursor)
        query = AlarmQuery(
            line_id=line,
            code=code,
            states=tuple(state),
            severities=tuple(severity),
            begin_ms=begin_ms,
            end_ms=end_ms,
            text=q.strip(),
            first_page_end=first_page_end,
            before_id=before_id,
        )
        page, last = await self._find(query, limit)
        following = _cursor(first_page_end, last)
        return await self._list(request, page, following, begin_ms, end_ms)

    async def recent(self, request: Request, line: LineId = None, limit: Recent = 5) -> Response:
        """Return the alarms that were raised last, whatever has become of them."""
        self._check_line(line)
        found = self._from_memory(AlarmQuery(line_id=line))
        return await self._list(request, found[:limit], None)

    async def statistics(self, request: Request, line: LineId = None) -> Response:
        """Return per machine how often its fault rose and its status changed in the last 24 h.

        A machine that was moved has a row for each line: an alarm counts in the line in which it
        was raised, a change in the one in which the machine was then. One that was taken out
        meanwhile is among them.
        """
        end_ms = (unix_ms(self._clock().unix_s) // _MINUTE_MS + 1) * _MINUTE_MS
        window = Span(end_ms - _DAY_MS, end_ms)
        await self._check_in(line, None, window.begin_ms, window.end_ms)
        lines = self._live.site.lines if self._live.site is not None else ()
        standing: Counter[tuple[str, str]] = Counter(
            (alarm.source, alarm.line_id)
            for alarm in self._kept().alarms.book
            if alarm.is_on and alarm.kind is AlarmKind.EQUIPMENT and alarm.line_id is not None
        )

        async def question(store: Store) -> list[MachineStatistics]:
            from lineside.history.alarm_statistics import machine_statistics

            configured = await store.configurations.read()
            return await machine_statistics(store.database, configured, lines, window, standing)

        rows = [each for each in await self._ask(question) if line in (None, each.line_id)]
        envelope = AlarmStatisticsView(
            begin=iso_utc(window.begin_ms / 1000), end=iso_utc(window.end_ms / 1000), equipment=[]
        )
        return json_response(request, await encode_in_slices(envelope, rows, _statistics_view))

    async def alarm(self, request: Request, alarm_id: AlarmId) -> Response:
        """Return one alarm with everything that happened to it and who did it."""
        alarm = await self._alarm(alarm_id)
        events = await self._ask(lambda store: store.alarms.events(alarm_id))
        view = AlarmDetailView(
            alarm=alarm_view(alarm), events=[alarm_event_view(e) for e in events]
        )
        return json_response(request, encode(view))

    async def acknowledge(self, alarm_id: AlarmId, body: AcknowledgeBody) -> Response:
        """Say that somebody has seen the alarm."""
        event = self._event(AlarmEventKind.ACKNOWLEDGED, body.by, body.comment)
        return _answer(await self._act(alarm_id, event))

    async def shelve(self, alarm_id: AlarmId, body: ShelveBody) -> Response:
        """Put the alarm aside for some minutes; of one on the shelf, set another time."""
        most = int(self._kept().alarms.plant.rules.shelf_max_s // 60)
        if body.minutes > most:
            raise Problem(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                f"An alarm may be shelved for at most {most} minutes at a time "
                "(`shelf_max` of [alarms] in the configuration).",
            )
        until_ms = unix_ms(self._clock().unix_s) + body.minutes * _MINUTE_MS
        event = self._event(AlarmEventKind.SHELVED, body.by, body.comment, until_ms)
        return _answer(await self._act(alarm_id, event))

    async def unshelve(self, alarm_id: AlarmId, body: UnshelveBody) -> Response:
        """Take the alarm off the shelf."""
        return _answer(
            await self._act(alarm_id, self._event(AlarmEventKind.UNSHELVED, body.by, ""))
        )

    async def comment(self, alarm_id: AlarmId, body: CommentBody) -> Response:
        """Write something to the alarm, also when it is over."""
        return _answer(
            await self._act(alarm_id, self._event(AlarmEventKind.COMMENTED, body.by, body.text))
        )

    async def acknowledge_many(self, body: AcknowledgeManyBody) -> Response:
        """Say that somebody has seen these alarms; those that do not take it are named."""
        event = self._event(AlarmEventKind.ACKNOWLEDGED, body.by, body.comment)
        ids = list(dict.fromkeys(body.ids))
        results = await asyncio.gather(
            *(self._act(each, event) for each in ids), return_exceptions=True
        )
        done, refused = [], []
        for alarm_id, result in zip(ids, results, strict=True):
            if isinstance(result, Problem):
                refused.append(RefusedAlarmView(id=alarm_id, detail=result.detail))
            elif isinstance(result, BaseException):
                raise result
            else:
                done.append(alarm_view(result))
        return _no_store(encode(AcknowledgedView(acknowledged=done, refused=refused)).body)

    async def _find(self, query: AlarmQuery, limit: int) -> tuple[list[Alarm], AlarmKey | None]:
        """Return one page, and the place at which it ends if there is another."""
        kept = self._kept().alarms.book
        stood = await self._stood(query, (*kept, *kept.over))
        current = self._from_memory(query, stood)
        if query.states and AlarmState.NORMAL not in query.states:
            return _page(query, current, limit)
        stored: list[Alarm] = await self._ask(lambda store: store.alarms.alarms(query, limit + 1))
        # The database is a moment behind, or more.
        found = {alarm.id: kept.find(alarm.id) or alarm for alarm in stored}
        found |= {alarm.id: alarm for alarm in current}
        stood |= {alarm.id for alarm in stored}
        known = [alarm for alarm in found.values() if query.has(alarm, stood)]
        # Behind the last of them the database has more than was read.
        known_to = query.place_of(stored[-1]) if len(stored) > limit else None
        return _page(query, known, limit, known_to)

    async def _stood(self, query: AlarmQuery, alarms: Iterable[Alarm]) -> set[int]:
        """Return the ids of those that stood in the window, of which only the events can tell."""
        unsure = [alarm for alarm in alarms if query.is_unsure_of(alarm)]
        begin_ms, end_ms = query.begin_ms, query.end_ms
        if not unsure or begin_ms is None or end_ms is None:
            return set()
        found: set[int] = await self._ask(
            lambda store: store.alarms.stood(unsure, begin_ms, end_ms)
        )
        return found

    def _from_memory(self, query: AlarmQuery, stood: Container[int] = ()) -> list[Alarm]:
        book = self._kept().alarms.book
        return newest_first(alarm for alarm in (*book, *book.over) if query.has(alarm, stood))

    async def _list(
        self,
        request: Request,
        page: list[Alarm],
        following: str | None,
        begin_ms: int | None = None,
        end_ms: int | None = None,
    ) -> Response:
        is_complete = self._kept().knows_alarms(begin_ms, end_ms)
        envelope = AlarmsView(is_complete=is_complete, next=following, alarms=[])
        return json_response(request, await encode_in_slices(envelope, page, alarm_view))

    async def _act(self, alarm_id: int, event: AlarmEvent) -> Alarm:
        history = self._kept()
        alarm = await self._alarm(alarm_id)
        if not alarm.is_over and history.alarms.book.find(alarm_id) is None:
            raise _still_read()
        try:
            return await history.act(alarm, event)
        except AlarmRefused as refused:
            raise Problem(HTTPStatus.CONFLICT, str(refused)) from refused
        except HistoryError as error:
            raise Problem(
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"This is not safely kept: {error}. Look at the alarm before you try again.",
                headers={"Retry-After": "5"},
            ) from error

    async def _alarm(self, alarm_id: int) -> Alarm:
        book = self._kept().alarms.book
        alarm = book.find(alarm_id)
        # What waits in the spool is in no database yet, and after a start in no memory.
        is_read = self._kept().alarms.is_recalled and not self._kept().health().spooled
        if alarm is None:
            alarm = await self._ask(lambda store: store.alarms.alarm(alarm_id))
            alarm = book.find(alarm_id) or alarm  # it may have come in meanwhile
        if alarm is None and not is_read:
            raise _still_read()
        if alarm is None:
            raise Problem(HTTPStatus.NOT_FOUND, f"There is no alarm {alarm_id}.")
        return alarm

    def _event(
        self, kind: AlarmEventKind, by: str, text: str, until_ms: int | None = None
    ) -> AlarmEvent:
        at_ms = unix_ms(self._clock().unix_s)
        return AlarmEvent(kind=kind, at_ms=at_ms, by=by, text=text, until_ms=until_ms)

    async def _check_in(
        self, line: str | None, code: str | None, begin_ms: int, end_ms: int | None
    ) -> None:
        """Check that a line is configured, or was in a window, and a machine before its end.

        The machine was in that line by then: an alarm may stand where it was raised.
        """
        site = self._live.site
        is_now = site is None or line in {None, *(each.id for each in site.lines)}
        now = self._live.equipment_by_code.get(code) if code is not None else None
        is_of_now = end_ms is None and now is not None and line in (None, now[0].id)
        is_there = code is None or is_of_now
        if site is None or (is_now and is_there):
            self._check_line(line)
            return
        lines = site.lines

        async def was_there(store: Store) -> tuple[bool, bool, bool]:
            from lineside.history.configured import FAR_MS

            configured = await store.configurations.read()
            until_ms = FAR_MS if end_ms is None else end_ms
            has_line = line is not None and configured.has_line(line, begin_ms, until_ms)
            was_ever = code is not None and configured.machine(code) is not None
            by_then = configured.lines_in(lines, 0, until_ms)
            codes = {m.code for each in by_then if line in (None, each.id) for m in each.equipment}
            return has_line, was_ever, code in codes

        has_line, was_ever, was_by_then = await self._ask(was_there)
        if not is_now and not has_line:
            self._check_line(line)
        if code is None or was_by_then:
            return
        if was_ever or now is not None:
            raise not_there(code, line)
        raise not_found("equipment", code, self._live.equipment_by_code)

    def _check_line(self, line: str | None) -> None:
        if self._live.site is None:
            raise not_ticking(None)
        ids = [each.id for each in self._live.site.lines]
        if line is not None and line not in ids:
            raise not_found("line", line, ids)

    def _kept(self) -> History:
        if self._history is None:
            raise Problem(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "There are no alarms: the history is switched off in the configuration.",
            )
        return self._history

    async def _ask(self, question: Any) -> Any:
        try:
            return await self._kept().ask(question)
        except HistoryError as error:
            raise Problem(
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"Past alarms cannot be read now: {error}.",
                headers={"Retry-After": "5"},
            ) from error


def _place(cursor: str | None) -> tuple[AlarmKey | None, int | None]:
    """Return where the first page ended, and before which id this one begins."""
    if cursor is None:
        return None, None
    at_ms, alarm_id, *before = map(int, cursor.split("."))
    return (at_ms, alarm_id), min([*before, ID_MAX])


def _cursor(first_page_end: AlarmKey | None, last: AlarmKey | None) -> str | None:
    """Return the cursor of the page after the one that ends at `last`, if there is one."""
    if last is None:
        return None
    if first_page_end is None:
        return "{}.{}".format(*last)
    return "{}.{}".format(*first_page_end) + f".{last[1]}"


def _page(
    query: AlarmQuery, alarms: Iterable[Alarm], limit: int, known_to: AlarmKey | None = None
) -> tuple[list[Alarm], AlarmKey | None]:
    """Return the first `limit` of `alarms`, and the place at which they end if there are more.

    Args:
        query: whose order they have.
        alarms: all that are asked for and stand at `known_to` or before, and perhaps others.
        limit: how many at most.
        known_to: there may be more behind it; None: there are not.
    """
    found = sorted(alarms, key=query.place_of, reverse=True)
    if known_to is not None:
        found = [each for each in found if query.place_of(each) >= known_to]
    if len(found) > limit:
        return found[:limit], query.place_of(found[limit - 1])
    return found, known_to


def _statistics_view(row: MachineStatistics) -> EquipmentStatisticsView:
    return EquipmentStatisticsView(
        code=row.code,
        name=row.name,
        line_id=row.line_id,
        alarms=row.alarms,
        events=row.changes,
        standing=row.standing,
    )


def _still_read() -> Problem:
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "Alarms of before are still being read.",
        headers={"Retry-After": "1"},
    )


def _answer(alarm: Alarm) -> Response:
    return _no_store(encode(alarm_view(alarm)).body)


def _no_store(body: bytes) -> Response:
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})


def _check_window(begin_ms: int, end_ms: int) -> None:
    if end_ms <= begin_ms:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "`to` must be later than `from`.")
    if end_ms - begin_ms > DAYS_MAX * _DAY_MS:
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY, f"Ask for at most {DAYS_MAX} days at a time."
        )
