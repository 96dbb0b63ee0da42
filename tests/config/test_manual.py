"""The manual, the JSON Schema and the template say what the loader does."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from lineside.config import config_json_schema, load_config, reference_markdown, template
from lineside.config.equipment_csv import ALIASES, COLUMNS
from lineside.config.tables import HEADERS
from lineside.core.errors import ConfigError
from lineside.drivers import DRIVERS

ROOT = Path(__file__).parents[2]
CASES = Path(__file__).parent / "cases"
FIELDS = [
    pytest.param(field, id=f"{HEADERS[table]} {name}")
    for table in HEADERS
    for name, field in table.model_fields.items()
]


def test_the_reference_in_the_repository_is_fresh() -> None:
    text = (ROOT / "docs/reference/config.md").read_text(encoding="utf-8")
    assert text == reference_markdown(), "run: python -m lineside.config.reference"


def test_the_module_writes_the_reference(tmp_path: Path) -> None:
    file = tmp_path / "folder" / "config.md"
    command = [sys.executable, "-W", "error", "-m", "lineside.config.reference", str(file)]
    subprocess.run(command, check=True, timeout=120)
    assert file.read_text(encoding="utf-8") == reference_markdown()


@pytest.mark.parametrize("field", FIELDS)
def test_every_key_is_described_with_an_example(field: Any) -> None:
    assert field.description.endswith((".", ". "))
    assert field.examples


def test_every_key_and_column_stands_in_the_manual() -> None:
    text = reference_markdown()
    for table, header in HEADERS.items():
        section = text.partition(f"## `{header}`")[2].partition("\n## ")[0]
        assert [key for key in table.model_fields if f"| `{key}` |" not in section] == []
    assert [c for c in COLUMNS if f"`{c}`" not in text] == []
    assert [alias for alias in ALIASES if alias not in text] == []


def test_the_template_loads_without_a_mistake_or_a_warning(tmp_path: Path) -> None:
    file = tmp_path / "lineside.toml"
    file.write_text(template(), encoding="utf-8")
    loaded = load_config(file, DRIVERS)
    assert loaded.warnings == ()
    assert len(loaded.site.lines[0].equipment) == 2


def test_the_template_teaches_in_few_lines() -> None:
    keys = [line for line in template().splitlines() if "=" in line and not line.startswith("#")]
    assert 15 <= len(keys) <= 40
    assert max(len(line) for line in template().splitlines()) <= 100


def test_the_comments_of_the_template_are_valid_when_taken_up() -> None:
    lines = [re.sub(r"^# (?=\[|[a-z_]+ = )", "", line) for line in template().splitlines()]
    document = tomllib.loads("\n".join(lines))
    jsonschema.validate(document, config_json_schema())
    assert document["equipment_csv"] == {"file": "equipment.csv"}
    assert document["shift"][0]["days"] == ["mon-fri"]
    assert document["plant"]["holidays"] == "KR"


@pytest.mark.parametrize("case", sorted(path.name for path in CASES.glob("good-*")))
def test_the_json_schema_accepts_what_the_loader_accepts(case: str) -> None:
    text = (CASES / case / "lineside.toml").read_text(encoding="utf-8")
    jsonschema.validate(tomllib.loads(text), config_json_schema())


@pytest.mark.parametrize(
    "case",
    [
        "unknown-keys",
        "keys-missing",
        "wrong-types",
        "out-of-range",
        "bad-durations",
        "value-map",
        "codes-of-wrong-length",
        "position-off-the-plan",
        "not-a-table",
        "nothing",
        "bad-times-and-days",
    ],
)
def test_the_json_schema_refuses_what_one_table_alone_gets_wrong(case: str) -> None:
    text = (CASES / case / "lineside.toml").read_text(encoding="utf-8")
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(tomllib.loads(text), config_json_schema())
    with pytest.raises(ConfigError):
        load_config(CASES / case / "lineside.toml", DRIVERS)


def test_the_json_schema_is_a_schema_without_null() -> None:
    schema = config_json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert "null" not in str(schema)
