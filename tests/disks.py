"""Disks that are soon full, for tests. Mounting one needs root (Linux)."""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import IO


def can_mount() -> bool:
    """Whether a disk can be mounted, tried where nobody else sees it."""
    words = ["unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"]
    try:
        return subprocess.run(words, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


@contextlib.contextmanager
def small_disk(folder: Path, size_bytes: int) -> Iterator[Path]:
    """A disk of its own that is soon full."""
    folder.mkdir()
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "lineside", str(folder)], check=True
    )
    try:
        yield folder
    finally:
        # Lazily: on failure the server may still run in it.
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(file: IO[bytes]) -> None:
    """Write until the disk takes not one byte more."""
    for size in (4096, 1):
        try:
            while True:
                os.write(file.fileno(), b"x" * size)
        except OSError as error:
            assert error.errno == errno.ENOSPC  # noqa: PT017 -- the loop has no other end
