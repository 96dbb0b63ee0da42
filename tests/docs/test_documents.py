"""What the documents promise must be there: files, anchors, commands, options, keys."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from docs.markdown import ROOT, anchor, blocks, documents, headings, links, without_blocks
from lineside.cli import main

SHELLS = ("bash", "sh", "console")
FRONT_PAGES = (ROOT / "README.md", ROOT / "README.ko.md")


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", documents(), ids=name)
def test_every_relative_link_leads_to_a_file_and_a_heading(path: Path) -> None:
    broken = []
    for link in links(path.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        target, _, fragment = link.partition("#")
        file = (path.parent / target).resolve() if target else path
        if not file.exists() or (
            fragment
            and fragment
            not in {anchor(title) for _, title in headings(file.read_text(encoding="utf-8"))}
        ):
            broken.append(link)
    assert broken == []


def command_lines(text: str) -> list[list[str]]:
    """Return the words after `lineside` of each command that `text` tells people to run."""
    lines = [
        line.removeprefix("$ ")
        for block in blocks(text)
        if block.language in SHELLS
        for line in block.text.replace("\\\n", " ").splitlines()
    ]
    lines += re.findall(r"`([^`\n]+)`", without_blocks(text))
    found = []
    for line in lines:
        match = re.match(r"(?:sudo )?(?:\S*/)?lineside (\S.*)$", line.strip())
        if match is not None:
            found.append(shlex.split(match[1], comments=True))
    return found


@pytest.mark.parametrize("path", documents(), ids=name)
def test_every_command_in_the_documents_exists_with_its_options(path: Path) -> None:
    wrong = []
    for words in command_lines(path.read_text(encoding="utf-8")):
        if words[0].startswith("-") or words[0] == "COMMAND":
            continue
        command = main.get_command(click.Context(main), words[0])
        if command is None:
            wrong.append(words)
            continue
        known = {option for parameter in command.params for option in parameter.opts}
        known |= {"--help", "-h"}
        used = {word.partition("=")[0] for word in words[1:] if word.startswith("-")}
        if not used <= known:
            wrong.append(words)
    assert wrong == []


def test_the_documents_name_every_command() -> None:
    for path in FRONT_PAGES:
        named = {words[0] for words in command_lines(path.read_text(encoding="utf-8"))}
        assert set(main.list_commands(click.Context(main))) <= named, name(path)


@pytest.mark.parametrize("path", documents(), ids=name)
def test_every_make_target_in_the_documents_exists(path: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    text = path.read_text(encoding="utf-8")
    code = "\n".join(block.text for block in blocks(text) if block.language in SHELLS)
    code += "\n" + "\n".join(re.findall(r"`([^`\n]+)`", without_blocks(text)))
    named = set(re.findall(r"^\s*make ([a-z-]+)", code, re.MULTILINE))
    assert named <= targets


@pytest.mark.parametrize("path", documents(), ids=name)
def test_every_source_file_named_in_the_documents_exists(path: Path) -> None:
    named = re.findall(
        r"`((?:src|tests|apps|examples|docs)/[\w./-]+\.\w+)`", path.read_text(encoding="utf-8")
    )
    files = [file for file in named if "NNNN" not in file]  # the pattern of a name to come
    assert [file for file in files if not (ROOT / file).exists()] == []


def test_both_front_pages_have_the_same_sections_and_code() -> None:
    english, korean = (path.read_text(encoding="utf-8") for path in FRONT_PAGES)
    assert [level for level, _ in headings(english)] == [level for level, _ in headings(korean)]
    assert blocks(english) == blocks(korean)


def test_both_front_pages_lead_to_the_same_places() -> None:
    english, korean = (set(links(path.read_text(encoding="utf-8"))) for path in FRONT_PAGES)
    assert english - {"README.ko.md"} == korean - {"README.md"}


def test_each_decision_is_short_complete_and_in_the_index() -> None:
    folder = ROOT / "docs" / "decisions"
    index = (folder / "README.md").read_text(encoding="utf-8")
    records = sorted(folder.glob("[0-9]*.md"))
    numbers = [int(record.name[:4]) for record in records]
    assert numbers == list(range(1, len(records) + 1))
    for record in records:
        text = record.read_text(encoding="utf-8")
        sections = [title for level, title in headings(text) if level == 2]
        assert sections == ["Context", "Decision", "Consequences"], record.name
        assert len(text.splitlines()) <= 35, record.name
        assert f"({record.name})" in index, record.name
