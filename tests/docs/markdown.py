"""Reads what the documents say to a machine: code blocks, links and headings. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"

_FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```\s*$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)[^)]*\)")
_HEADING = re.compile(r"^(#{1,6})\s+(.+?)\s*$", re.MULTILINE)
_NOT_OURS = {"contract.md"}  # fixed text from outside; its commands are not Lineside's


@dataclass(frozen=True, kw_only=True)
class Block:
    """One fenced code block."""

    language: str
    text: str


def documents() -> list[Path]:
    """Return every Markdown file of the project, in order."""
    folders = [ROOT.glob("*.md"), ROOT.glob("docs/**/*.md"), EXAMPLES.glob("*.md")]
    folders.append(ROOT.glob("src/**/*.md"))
    return sorted(path for folder in folders for path in folder if path.name not in _NOT_OURS)


def blocks(text: str, language: str | None = None) -> list[Block]:
    """Return the fenced blocks of `text`, all or those in one language."""
    found = [Block(language=match[1], text=match[2]) for match in _FENCE.finditer(text)]
    return [block for block in found if language in (None, block.language)]


def without_blocks(text: str) -> str:
    """Return `text` without its fenced blocks."""
    return _FENCE.sub("", text)


def links(text: str) -> list[str]:
    """Return the targets of links and images, code left out."""
    return _LINK.findall(re.sub(r"`[^`\n]*`", "", without_blocks(text)))


def headings(text: str) -> list[tuple[int, str]]:
    """Return (level, title) of every heading."""
    return [(len(match[1]), match[2]) for match in _HEADING.finditer(without_blocks(text))]


def anchor(title: str) -> str:
    """Return the fragment under which a heading can be linked to."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
