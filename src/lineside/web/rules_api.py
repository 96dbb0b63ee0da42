"""REST of rules that a person applies to the past, having been shown what that changes."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from lineside.core.times import iso_utc
from lineside.web.answers import encode, json_response
from lineside.web.asking import JSON, Past, described, documented, moment, refused
from lineside.web.downtime_schema import Comment, Id, Name
from lineside.web.problem import Problem
from lineside.web.schema import View

if TYPE_CHECKING:
    from lineside.history.rules_applied import RulesApplied
    from lineside.history.store import Store

AppliedId = Annotated[int, Path(description="As in `/api/rules/applied`.", ge=1, le=2**31 - 1)]


class ApplyRules(BaseModel):
    """The rules in force are to judge a line's past, too."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    by: Name = Field(description="Who decides it.")
    line: Id
    version: int = Field(
        description="`version` of the preview in which the difference was shown.", ge=1
    )
    begin: AwareDatetime = Field(alias="from", description="From when on they judge.")
    end: AwareDatetime | None = Field(
        default=None, alias="to", description="Until when they judge; now, where it is left out."
    )
    comment: Comment = ""


class RulesAppliedView(View):
    """Rules that judge a time before them, by whose decision."""

    id: int
    line_id: str
    version: int
    begin: str
    end: str = Field(description="Until when they judge; at the latest when it was decided.")
    comment: str
    by: str


class AllRulesAppliedView(View):
    """`/api/rules/applied`."""

    applied: list[RulesAppliedView]


class RulesApi:
    """Reads and writes one history."""

    def __init__(self, past: Past) -> None:
        self._past = past

    async def applied(self, request: Request) -> Response:
        """Return which rules judge a time before them, in the order in which it was decided."""

        async def question(store: Store) -> list[RulesApplied]:
            from lineside.history.rules_applied import rules_applied

            return await rules_applied(store)

        found = await self._past.ask(question)
        return json_response(request, encode(AllRulesAppliedView(applied=[*map(_view, found)])))

    async def apply(self, body: ApplyRules) -> Response:
        """Let the rules in force judge a time of a line in the past, as a preview showed.

        They judge all machines in their time in the line, also those that were moved away or taken
        out since, which keep a `stop_after` of their own. Without this, the past is judged by what
        was configured then. It stands in the audit.
        """
        line, now_ms = self._past.choose(body.line, None).line, self._past.now_ms()
        begin_ms = moment("from", body.begin)
        end_ms = now_ms if body.end is None else min(now_ms, moment("to", body.end))
        if begin_ms >= now_ms:
            raise refused("from", "must lie in the past")
        if begin_ms >= end_ms:
            raise refused("to", "must lie after `from`")

        async def question(store: Store) -> RulesApplied | None:
            from lineside.history.rules_applied import RulesApplied, apply_rules, newest_version

            if await newest_version(store) != body.version:
                return None
            return await apply_rules(
                store,
                RulesApplied(
                    id=0,
                    config_version_id=body.version,
                    line_id=line.id,
                    begin_ms=begin_ms,
                    end_ms=end_ms,
                    comment=body.comment,
                    made_by=body.by,
                    made_ms=now_ms,
                ),
            )

        made = await self._past.write(question)
        if made is None:
            raise Problem(
                HTTPStatus.CONFLICT,
                "The configuration is another than in that preview. Look at a new preview first.",
            )
        return Response(encode(_view(made)).body, status_code=201, media_type="application/json")

    async def take_back(
        self, applied: AppliedId, by: Annotated[Name, Query(description="Who takes it back.")]
    ) -> Response:
        """Judge the time by what was configured then again."""

        async def question(store: Store) -> bool:
            from lineside.history.downtime_store import By
            from lineside.history.rules_applied import take_back_rules

            return await take_back_rules(store, applied, By(name=by, at_ms=self._past.now_ms()))

        if not await self._past.write(question):
            raise Problem(HTTPStatus.NOT_FOUND, f"No rules were applied under {applied}.")
        return Response(status_code=204)


def add_rules_routes(router: APIRouter, api: RulesApi) -> None:
    """Add the routes, documented for OpenAPI."""

    def add(path: str, endpoint: Any, name: str, responses: dict[Any, Any], method: str) -> None:
        router.add_api_route(
            path,
            endpoint,
            methods=[method],
            operation_id=name,
            summary=name.replace("_", " ").capitalize(),
            responses=responses,
            response_model=None,
            response_class=JSON if method != "DELETE" else Response,
            status_code={"DELETE": 204}.get(method),
            tags=["kpi"],
        )

    known = documented(AllRulesAppliedView)
    refusals = {key: known[key] for key in (404, 422, 503)}
    refusals[403] = described("A page from elsewhere may not write.")
    made = {
        **refusals,
        201: {"model": RulesAppliedView, "description": "As applied."},
        409: described("The configuration has changed since the preview."),
    }
    path = "/api/rules/applied"
    add(path, api.applied, "list_rules_applied", known, "GET")
    add(path, api.apply, "apply_rules", made, "POST")
    add(f"{path}/{{applied}}", api.take_back, "take_back_rules", refusals, "DELETE")


def _view(applied: RulesApplied) -> RulesAppliedView:
    return RulesAppliedView(
        id=applied.id,
        line_id=applied.line_id,
        version=applied.config_version_id,
        begin=iso_utc(applied.begin_ms / 1000),
        end=iso_utc(applied.end_ms / 1000),
        comment=applied.comment,
        by=applied.made_by,
    )
