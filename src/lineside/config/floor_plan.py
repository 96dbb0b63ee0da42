"""Checks that a floor plan is there and is an image that browsers draw."""

from __future__ import annotations

import re
from pathlib import Path

from lineside.config.findings import Findings, Origin

FLOOR_PLAN_MAX_BYTES = 20 * 1024 * 1024
MEDIA_TYPES = {
    "SVG": "image/svg+xml",
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "WebP": "image/webp",
}
KINDS = {".svg": "SVG", ".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WebP"}


def check_floor_plan(path: Path, label: str, origin: Origin, findings: Findings) -> bytes | None:
    """Return the image at `path`; None after a noted mistake at `floor_plan` of `origin`."""

    def note(message: str, hint: str = "") -> None:
        findings.problem(origin, ("floor_plan",), message, hint)

    kind = KINDS.get(path.suffix.lower())
    if kind is None:
        note(f"{label} is no floor plan: it must end in {', '.join(KINDS)}")
        return None
    try:
        with path.open("rb") as file:
            image = file.read(FLOOR_PLAN_MAX_BYTES + 1)
    except FileNotFoundError:
        note(f"there is no file {label}", "the path counts from the folder of the config file")
        return None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        note(f"{label} cannot be read: {reason}")
        return None
    if len(image) > FLOOR_PLAN_MAX_BYTES:
        note(f"{label} is larger than {FLOOR_PLAN_MAX_BYTES // 1024 // 1024} MB")
        return None
    found = kind_of_image(image)
    if found != kind:
        what = f"a {found} image" if found else "not an image that browsers draw"
        note(f"{label} is {what}, its name says {kind}")
        return None
    return image


def kind_of_image(image: bytes) -> str | None:
    """Return the kind of image by its first bytes (each format's own signature)."""
    if image.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if image.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if image[:4] == b"RIFF" and image[8:12] == b"WEBP":
        return "WebP"
    # Comments and a document type may stand before the root element, and it may have a prefix.
    start = image[:4096].removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"<") and re.search(rb"<(?:[A-Za-z]+:)?svg[\s>]", start):
        return "SVG"
    return None
