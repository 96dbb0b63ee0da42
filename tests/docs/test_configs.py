"""Every configuration that the documents show can be served as it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.markdown import EXAMPLES, ROOT, blocks, documents
from lineside.config import LoadedConfig, load_config
from lineside.drivers import DRIVERS


def toml_blocks(path: Path) -> list[str]:
    return [block.text for block in blocks(path.read_text(encoding="utf-8"), "toml")]


def shown_configs() -> list[tuple[str, str]]:
    """Return (where, text) of every TOML block that is a whole configuration.

    A block that shows a part of one (no line or no equipment) is made whole in another test.
    """
    return [
        (f"{path.relative_to(ROOT)}#{number}", text)
        for path in documents()
        for number, text in enumerate(toml_blocks(path), start=1)
        if is_whole(text)
    ]


def shown_parts() -> list[tuple[str, str]]:
    """Return (where, text) of every TOML block that shows a part of a configuration."""
    return [
        (f"{path.relative_to(ROOT)}#{number}", text)
        for path in documents()
        for number, text in enumerate(toml_blocks(path), start=1)
        if not is_whole(text)
    ]


def is_whole(text: str) -> bool:
    return "[[line]]" in text and "[[equipment]]" in text


def load(text: str, folder: Path) -> LoadedConfig:
    file = folder / "lineside.toml"
    file.write_text(text, encoding="utf-8")
    return load_config(file, DRIVERS)


@pytest.mark.parametrize(("where", "text"), shown_configs())
def test_a_config_in_the_documents_loads_without_a_warning(
    where: str, text: str, tmp_path: Path
) -> None:
    assert load(text, tmp_path).warnings == (), where


@pytest.mark.parametrize(("where", "text"), shown_parts())
def test_a_part_of_a_config_in_the_documents_fits_into_a_whole_one(
    where: str, text: str, tmp_path: Path
) -> None:
    if "[[line]]" not in text:
        text += '\n[[line]]\nid = "weld1"\nname = "용접 1라인"\n'
    if "[[equipment]]" not in text:
        plc = 'plc = "PLC01"\nstatus_tag = "M100"\n' if "[[plc]]" in text else ""
        text += f'\n[[equipment]]\ncode = "KRCWO12ELOA101"\nname = "Upper 로봇 용접"\n{plc}'
    if 'plc = "PLC01"' in text and "[[plc]]" not in text:
        text += '\n[[plc]]\nid = "PLC01"\nhost = "127.0.0.1"\nport = 5010\nfamily = "Q"\n'
    assert load(text, tmp_path).config.line, where


@pytest.mark.parametrize("page", ["README.md", "README.ko.md"])
def test_a_real_plc_takes_fifteen_lines(page: str) -> None:
    (text,) = toml_blocks(ROOT / page)
    assert len([line for line in text.splitlines() if line.strip()]) <= 15


def test_the_example_of_a_line_loads_with_its_spreadsheet() -> None:
    loaded = load_config(EXAMPLES / "lineside.toml", DRIVERS)
    assert loaded.warnings == ()
    assert [machine.code[-3:] for machine in loaded.config.equipment] == [
        "101",
        "102",
        "103",
        "104",
        "105",
    ]
    assert set(loaded.plans) == {"PLC01", "PLC02"}
