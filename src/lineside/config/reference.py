"""Writes docs/reference/config.md: `python -m lineside.config.reference [FILE]`."""

from __future__ import annotations

import sys
from pathlib import Path

from lineside.config.manual import reference_markdown

DEFAULT_FILE = Path("docs/reference/config.md")


def main() -> None:
    """Write the reference to the file named on the command line, or to its place in the clone."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(reference_markdown(), encoding="utf-8")


if __name__ == "__main__":
    main()
