"""How the web room says no: RFC 9457 problem documents, and the pages people get in a browser."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from html import escape
from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic_core import to_json
from starlette.exceptions import HTTPException

from lineside.core.errors import LinesideError
from lineside.web.schema import ProblemView

PROBLEM_MEDIA_TYPE = "application/problem+json"
PAGE_CSP = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

_SUGGESTIONS_FROM_MAX = 500  # similarity is slow, and a wrong code must not delay a tick
_WORD_MAX = 64


class Problem(LinesideError):
    """A request that cannot be met: whose fault, what exactly, and what helps."""

    def __init__(
        self, status: HTTPStatus, detail: str, *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})


def not_found(kind: str, word: str, known: Iterable[str]) -> Problem:
    """Return the 404 for an unknown `word`, with the nearest known one where there is one."""
    shown = word if len(word) <= _WORD_MAX else f"{word[:_WORD_MAX]}..."
    near = _nearest(word, list(known))
    hint = f"; did you mean {near}?" if near else "."
    return Problem(HTTPStatus.NOT_FOUND, f"There is no {kind} {shown!r}{hint}")


def not_there(code: str, line_id: str | None, *, is_now: bool = False) -> Problem:
    """Return the 404 for a machine that there is, or was, and that was not there at the time."""
    where = "configured" if line_id is None else f"in line {line_id}"
    told = f"is not {where}" if is_now else f"was not {where} then"
    return Problem(HTTPStatus.NOT_FOUND, f"{code} {told}.")


def not_ticking(age_s: float | None) -> Problem:
    """Return the 503 for a question about the present while the board does not tick."""
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE, not_ticking_detail(age_s), headers={"Retry-After": "1"}
    )


def not_ticking_detail(age_s: float | None) -> str:
    """Return in plain words why the present is not known."""
    if age_s is None:
        return "The board has not ticked yet: the server is starting."
    return f"The board stopped ticking {age_s:.1f} s ago: what it last showed may be untrue by now."


def problem_response(
    status: HTTPStatus, detail: str, headers: Mapping[str, str] | None = None
) -> Response:
    """Return the RFC 9457 document for one problem."""
    view = ProblemView(title=status.phrase, status=status.value, detail=detail)
    return Response(
        to_json(view),
        status_code=status.value,
        media_type=PROBLEM_MEDIA_TYPE,
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


def page_response(status: HTTPStatus, title: str, paragraphs: Iterable[str]) -> Response:
    """Return a small page for a person: no script, nothing loaded, light and dark."""
    body = "".join(f"<p>{escape(text)}</p>" for text in paragraphs)
    html = (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><meta name="color-scheme" '
        f'content="light dark"><title>{escape(title)}</title><style>body{{font:1.1rem/1.6 '
        "system-ui,sans-serif;max-width:40rem;margin:12vh auto;padding:0 1rem}</style>"
        f"<h1>{escape(title)}</h1>{body}</html>"
    )
    return Response(
        html.encode(),
        status_code=status.value,
        media_type="text/html; charset=utf-8",
        headers={"Cache-Control": "no-store", "Content-Security-Policy": PAGE_CSP},
    )


def install_problem_handlers(app: FastAPI) -> None:
    """Make every refusal of `app`, the framework's own included, a problem document."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(Exception, _on_defect)


def _on_problem(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)  # noqa: S101 - what the handler is registered for
    return problem_response(error.status, error.detail, error.headers)


def _on_http_exception(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - what the handler is registered for
    return problem_response(HTTPStatus(error.status_code), str(error.detail), error.headers)


def _on_validation_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it
    mistakes = "; ".join(
        f"{'.'.join(str(part) for part in mistake['loc'])}: {mistake['msg']}"
        for mistake in error.errors()
    )
    return problem_response(HTTPStatus.UNPROCESSABLE_ENTITY, mistakes)


def _on_defect(_request: Request, _error: Exception) -> Response:
    # The traceback goes to the log, never to the client.
    detail = "The server failed on this request. Its log says why."
    return problem_response(HTTPStatus.INTERNAL_SERVER_ERROR, detail)


def _nearest(word: str, known: list[str]) -> str | None:
    if len(word) > _WORD_MAX:
        return None
    folded = word.casefold()
    for candidate in known:
        if candidate.casefold() == folded or (len(folded) >= 4 and folded in candidate.casefold()):
            return candidate
    pool = {candidate.casefold(): candidate for candidate in known[:_SUGGESTIONS_FROM_MAX]}
    close = difflib.get_close_matches(folded, pool, n=1, cutoff=0.8)
    return pool[close[0]] if close else None
