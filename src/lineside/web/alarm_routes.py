"""The routes of alarms, documented for OpenAPI."""

from __future__ import annotations

from typing import Any, TypeAlias

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from lineside.web.alarm_schema import (
    AcknowledgedView,
    AlarmDetailView,
    AlarmStatisticsView,
    AlarmsView,
    AlarmView,
)
from lineside.web.alarms_api import AlarmsApi
from lineside.web.schema import ProblemView

Responses: TypeAlias = dict[int | str, Any]


def add_alarm_routes(router: APIRouter, api: AlarmsApi) -> None:
    """Add the routes of alarms, documented for OpenAPI."""
    unread: Responses = {503: _problem("Past alarms cannot be read now: see the detail.")}
    listed: Responses = {**_ok(AlarmsView), 404: _problem("No such line or machine."), **unread}
    wrong: Responses = {422: _problem("A parameter is not understood: see the detail.")}
    _add(router, "GET", "/api/alarms", api.alarms, "list_alarms", {**listed, **wrong})
    _add(router, "GET", "/api/alarms/recent", api.recent, "list_recent_alarms", listed | wrong)
    _add(
        router,
        "GET",
        "/api/alarms/statistics",
        api.statistics,
        "get_alarm_statistics",
        {**_ok(AlarmStatisticsView), 404: _problem("No such line."), **unread, **wrong},
    )
    none: Responses = {404: _problem("No such alarm.")}
    one: Responses = {**_ok(AlarmDetailView), **none, **unread, **wrong}
    _add(router, "GET", "/api/alarms/{alarm_id}", api.alarm, "get_alarm", one)
    unkept: Responses = {503: _problem("It is not safely kept: see the detail.")}
    foreign: Responses = {403: _problem("A page from elsewhere asks for it.")}
    _add(
        router,
        "POST",
        "/api/alarms/acknowledge",
        api.acknowledge_many,
        "acknowledge_alarms",
        {200: _described(AcknowledgedView), **foreign, **wrong},
    )
    written: Responses = {
        200: _described(AlarmView),
        **foreign,
        **none,
        409: _problem("That cannot be done to an alarm in its state."),
        **wrong,
        **unkept,
    }
    for name, endpoint in (
        ("acknowledge", api.acknowledge),
        ("shelve", api.shelve),
        ("unshelve", api.unshelve),
        ("comment", api.comment),
    ):
        path = f"/api/alarms/{{alarm_id}}/{name}"
        _add(router, "POST", path, endpoint, f"{name}_alarm", written)


def _add(
    router: APIRouter,
    method: str,
    path: str,
    endpoint: Any,
    name: str,
    responses: Responses,
) -> None:
    router.add_api_route(
        path,
        endpoint,
        methods=[method],
        operation_id=name,
        summary=name.replace("_", " ").capitalize(),
        responses=responses,
        response_model=None,
        response_class=JSONResponse,
        tags=["alarms"],
    )


def _described(model: type) -> dict[str, Any]:
    return {"model": model, "description": "As described."}


def _ok(model: type) -> Responses:
    return {
        200: _described(model),
        304: {"description": "The client's copy (If-None-Match) is current."},
    }


def _problem(description: str) -> dict[str, Any]:
    return {"model": ProblemView, "description": description}
