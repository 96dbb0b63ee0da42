"""`lineside check`, `init` and `schema` as a plant engineer meets them."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from lineside.cli.configs import check, init, schema
from lineside.config import template

CASES = Path(__file__).parent / "cases"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path


def run(command: click.Command, *arguments: str) -> Result:
    return CliRunner().invoke(command, list(arguments))


def test_check_of_a_bad_config_lists_every_mistake_counts_them_and_exits_with_2() -> None:
    result = run(check, str(CASES / "references-to-nothing" / "lineside.toml"))
    assert result.exit_code == 2
    for text in ("lineside.toml:14  equipment[1].plc", 'there is no PLC "PLC1"', "→ the PLCs are"):
        assert text in result.output
    assert "3 mistakes to mend" in result.output


def test_check_of_a_good_config_shows_the_requests_and_words_for_each_plc() -> None:
    result = run(check, str(CASES / "good-smallest" / "lineside.toml"))
    assert result.exit_code == 0
    assert "PLC01  192.168.3.39:5010 TCP 3E binary" in result.output
    assert "1 request every 1s for 2 addresses" in result.output
    assert "M100" in result.output
    assert "is good: 1 line, 1 machine, 1 PLC." in result.output


def test_check_of_a_config_with_alarm_codes_counts_what_they_mean() -> None:
    output = run(check, str(CASES / "good-every-key" / "lineside.toml")).output
    assert "is good: 2 lines, 2 machines, 1 PLC, 3 alarm messages." in output


def test_check_shortens_requests_of_hundreds_of_addresses_and_json_has_them_all(
    folder: Path,
) -> None:
    tags = [f"D{50 * number}" for number in range(200)]
    machines = "".join(
        f'[[equipment]]\ncode = "KRCWO12ELOA{number:03d}"\nname = "n"\nplc = "P"\n'
        f'status_tag = "{tag}"\n'
        for number, tag in enumerate(tags)
    )
    (folder / "many.toml").write_text(
        '[[line]]\nid = "l"\nname = "l"\n'
        f'[[plc]]\nid = "P"\nhost = "127.0.0.1"\nport = 5010\nfamily = "Q"\n{machines}',
        encoding="utf-8",
    )

    output = run(check, "many.toml").output
    plan = json.loads(run(check, "--json", "many.toml").output)["plcs"][0]["requests"]

    assert "more" in output
    assert output.count("D") < 150
    assert {tag for request in plan for tag in request["addresses"]} >= set(tags)


def test_check_tells_warnings_of_a_good_config() -> None:
    result = run(check, str(CASES / "warnings" / "lineside.toml"))
    assert result.exit_code == 0
    assert "no equipment reads from PLC02" in result.output
    assert "5 warnings" in result.output


def test_check_prints_json_for_scripts() -> None:
    good = run(check, "--json", str(CASES / "good-smallest" / "lineside.toml"))
    answer = json.loads(good.output)
    assert answer["is_good"] is True
    assert answer["plcs"][0]["requests"][0]["word_count"] >= 2
    bad = run(check, "--json", str(CASES / "nothing" / "lineside.toml"))
    assert bad.exit_code == 2
    answer = json.loads(bad.output)
    assert [problem["path"] for problem in answer["problems"]] == ["line", "equipment"]


def test_check_of_a_file_that_is_not_there_says_how_to_get_one(folder: Path) -> None:
    result = run(check)
    assert result.exit_code == 2
    assert "there is no such file" in result.output
    assert "lineside init" in result.output


def test_init_writes_a_config_that_check_finds_good(folder: Path) -> None:
    result = run(init, "plant/weld.toml")
    assert result.exit_code == 0
    assert "lineside check plant/weld.toml" in result.output
    assert (folder / "plant" / "weld.toml").read_text(encoding="utf-8") == template()
    assert run(check, "plant/weld.toml").exit_code == 0


def test_init_never_writes_over_a_file_unless_forced(folder: Path) -> None:
    (folder / "lineside.toml").write_text("mine", encoding="utf-8")
    refused = run(init)
    assert refused.exit_code == 1
    assert "exists already and is left as it is" in refused.output
    assert (folder / "lineside.toml").read_text(encoding="utf-8") == "mine"
    assert run(init, "--force").exit_code == 0
    assert (folder / "lineside.toml").read_text(encoding="utf-8") == template()


def test_init_into_a_place_that_cannot_be_written_says_so(folder: Path) -> None:
    (folder / "file").write_text("", encoding="utf-8")
    result = run(init, "file/lineside.toml")
    assert result.exit_code == 1
    assert "cannot be written" in result.output


@pytest.mark.parametrize(
    ("kind", "key"), [("config", "$schema"), ("openapi", "openapi"), ("asyncapi", "asyncapi")]
)
def test_schema_prints_each_document_as_json(kind: str, key: str) -> None:
    result = run(schema, kind)
    assert result.exit_code == 0
    assert key in json.loads(result.output)


@pytest.mark.parametrize("command", [check, init, schema])
def test_help_teaches_with_examples(command: click.Command) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert "Examples:\n    lineside " in result.output
