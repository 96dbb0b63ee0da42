"""The floor plan image of a line: which files may be served, and how they are made harmless."""

from __future__ import annotations

from pathlib import Path

import msgspec

from lineside.config.floor_plan import FLOOR_PLAN_MAX_BYTES, MEDIA_TYPES, kind_of_image

# An SVG may carry scripts. Opened by its own address it runs in a sandbox that allows none.
FLOOR_PLAN_CSP = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"


class FloorPlanError(Exception):
    """The configured image cannot be served; the message says why, without the server's paths."""


class FloorPlan(msgspec.Struct, frozen=True, kw_only=True):
    """One image, its media type decided by its content and not by its name."""

    body: bytes
    media_type: str


def read_floor_plan(path: Path) -> FloorPlan:
    """Read the image file. Blocking: call it in a thread.

    Raises:
        FloorPlanError: the file is not there, too large, or not SVG, PNG, JPEG or WebP.
    """
    try:
        with path.open("rb") as file:
            body = file.read(FLOOR_PLAN_MAX_BYTES + 1)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise FloorPlanError(f"The floor plan {path.name} cannot be read: {reason}.") from error
    if len(body) > FLOOR_PLAN_MAX_BYTES:
        limit_mib = FLOOR_PLAN_MAX_BYTES // 2**20
        raise FloorPlanError(f"The floor plan {path.name} is larger than {limit_mib} MiB.")
    kind = kind_of_image(body)
    if kind is None:
        raise FloorPlanError(f"The floor plan {path.name} is not an SVG, PNG, JPEG or WebP image.")
    return FloorPlan(body=body, media_type=MEDIA_TYPES[kind])
