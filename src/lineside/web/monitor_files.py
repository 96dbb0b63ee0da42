"""The built monitor, served from memory.

Files are read once at the start, so a path that was not among them cannot be reached by any
spelling of it, and a page never mixes two builds while an upgrade replaces files underneath.
It does not build anything, and does not look at the disk again.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path

import msgspec
from fastapi import Request, Response

from lineside.core.errors import LinesideError
from lineside.web.answers import is_held
from lineside.web.problem import page_response, problem_response

STATIC_MAX_BYTES = 64 * 1024 * 1024

# The system's own table is not asked: on Windows a registry entry can turn .js into text/plain.
_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".gif": "image/gif",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".mp3": "audio/mpeg",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}
_COMPRESSIBLE = {".css", ".html", ".js", ".json", ".map", ".svg", ".txt", ".webmanifest"}
_COMPRESS_FROM_BYTES = 1024
_HASHED_NAME = re.compile(r"^assets/.+[-.][A-Za-z0-9_-]{8,}\.[a-z0-9]+$")


class MonitorFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file as it goes over the wire. `compressed` is None where gzip does not pay."""

    body: bytes
    compressed: bytes | None
    media_type: str
    etag: str
    is_immutable: bool


class MonitorFiles:
    """Every file of the built monitor by its path, and `build`, the name of this set of files."""

    def __init__(self, files: Mapping[str, MonitorFile]) -> None:
        self._files = dict(files)
        self.build = _build_name(self._files)

    @property
    def is_built(self) -> bool:
        """Whether there is a page to show."""
        return "index.html" in self._files

    def respond(self, request: Request, path: str) -> Response:
        """Return the file at `path` (no leading slash), or the page that says why there is none."""
        file = self._files.get(path or "index.html")
        if file is not None:
            return _file_response(request, file)
        if path in {"", "index.html"}:
            return page_response(HTTPStatus.SERVICE_UNAVAILABLE, *_NOT_BUILT)
        if "text/html" in request.headers.get("accept", ""):
            return page_response(HTTPStatus.NOT_FOUND, *_NOT_HERE)
        return problem_response(HTTPStatus.NOT_FOUND, "There is nothing at this address.")


def load_monitor_files(static_dir: Path | None) -> MonitorFiles:
    """Read the built monitor; an absent directory gives an empty set that explains itself.

    Raises:
        LinesideError: the directory holds far more than a monitor; it must be the wrong one.
    """
    if static_dir is None or not static_dir.is_dir():
        return MonitorFiles({})
    root = static_dir.resolve()
    files: dict[str, MonitorFile] = {}
    total = 0
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        is_hidden = any(part.startswith(".") for part in name.split("/"))
        if is_hidden or not path.is_file() or not path.resolve().is_relative_to(root):
            continue
        total += path.stat().st_size
        if total > STATIC_MAX_BYTES:
            raise LinesideError(f"{root} is larger than {STATIC_MAX_BYTES // 2**20} MiB")
        files[name] = _monitor_file(name, path.read_bytes())
    return MonitorFiles(files)


def _monitor_file(name: str, body: bytes) -> MonitorFile:
    suffix = Path(name).suffix.lower()
    compressed = None
    if suffix in _COMPRESSIBLE and len(body) >= _COMPRESS_FROM_BYTES:
        compressed = gzip.compress(body, compresslevel=6, mtime=0)
    return MonitorFile(
        body=body,
        compressed=compressed,
        media_type=_MEDIA_TYPES.get(suffix, "application/octet-stream"),
        # Weak, because the compressed form is known by the same tag.
        etag=f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"',
        is_immutable=_HASHED_NAME.match(name) is not None,
    )


def _file_response(request: Request, file: MonitorFile) -> Response:
    headers = {
        "ETag": file.etag,
        "Cache-Control": "public, max-age=31536000, immutable" if file.is_immutable else "no-cache",
    }
    if file.compressed is not None:
        headers["Vary"] = "Accept-Encoding"
    if is_held(request, file.etag):
        return Response(status_code=304, headers=headers)
    body = file.body
    if file.compressed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        body = file.compressed
    return Response(body, headers={**headers, "Content-Type": file.media_type})


def _build_name(files: Mapping[str, MonitorFile]) -> str:
    if not files:
        return "unbuilt"
    digest = hashlib.blake2b(digest_size=6)
    for name, file in sorted(files.items()):
        digest.update(f"{name}\0{file.etag}\n".encode())
    return digest.hexdigest()


_NOT_BUILT = (
    "The monitor is not built yet",
    (
        "The server runs, but the page it should show is not there. A clone of the source does "
        "not carry the built page.",
        "Stop the server, run “make setup” in the folder of the clone, and start the server "
        "again. It needs no Node of your own.",
        "The data is already here: see /docs for the interface and /api/equipment for the line.",
    ),
)
_NOT_HERE = (
    "There is nothing at this address",
    ("The monitor is at the root of this server: the address without anything after the port.",),
)
