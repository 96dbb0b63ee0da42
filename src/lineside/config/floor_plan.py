"""Checks that a floor plan is there and is an image that browsers draw."""

from __future__ import annotations

import re
from pathlib import Path

from lineside.config.findings import Findings, Origin
from lineside.config.source import FILE_MAX_BYTES, ReadFile, read_file, reason_of

FLOOR_PLAN_MAX_BYTES = FILE_MAX_BYTES
MEDIA_TYPES = {
    "SVG": "image/svg+xml",
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "WebP": "image/webp",
}
KINDS = {".svg": "SVG", ".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WebP"}


def check_floor_plan(
    path: Path, label: str, origin: Origin, findings: Findings, read: ReadFile = read_file
) -> None:
    """Read the image at `path` and note any mistake at `floor_plan` of `origin`."""

    def note(message: str, hint: str = "") -> None:
        findings.problem(origin, ("floor_plan",), message, hint)

    kind = KINDS.get(path.suffix.lower())
    if kind is None:
        note(f"{label} is no floor plan: it must end in {', '.join(KINDS)}")
        return
    try:
        image = read(path)
    except FileNotFoundError:
        note(f"there is no file {label}", "the path counts from the folder of the config file")
        return
    except (OSError, ValueError) as error:
        note(f"{label} cannot be read: {reason_of(error)}")
        return
    if len(image) > FLOOR_PLAN_MAX_BYTES:
        note(f"{label} is larger than {FLOOR_PLAN_MAX_BYTES // 1024 // 1024} MB")
        return
    found = kind_of_image(image)
    if found != kind:
        what = f"a {found} image" if found else "not an image that browsers draw"
        note(f"{label} is {what}, its name says {kind}")


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
