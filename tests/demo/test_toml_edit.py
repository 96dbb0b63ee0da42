"""Editing a config's text: only the value changes, and a doubtful edit is refused."""

import tomllib

import pytest

from lineside.demo.toml_edit import EditRefused, Place, edit_toml

CONFIG = """\
# The press shop.
[[plc]]
id = "PLC01"
host = "192.168.3.39"  # cabinet 4
port = 5010            # 1392H

[[plc]]
id = "PLC02"
port=5010
host = '192.168.3.40'

[equipment_csv]
file = "machines.csv" # kept by planning
"""


def test_only_the_named_values_change_and_comments_stay() -> None:
    edited = edit_toml(
        CONFIG,
        {
            Place(table="plc", index=0, key="host"): "127.0.0.1",
            Place(table="plc", index=1, key="port"): 40001,
            Place(table="equipment_csv", index=0, key="file"): "../기계.csv",
        },
    )
    assert edited == (
        CONFIG.replace('"192.168.3.39"', '"127.0.0.1"')
        .replace("port=5010", "port=40001")
        .replace('"machines.csv"', '"../기계.csv"')
    )


def test_windows_line_ends_stay() -> None:
    edited = edit_toml(CONFIG.replace("\n", "\r\n"), {Place(table="plc", index=1, key="port"): 1})
    assert edited == CONFIG.replace("port=5010", "port=1").replace("\n", "\r\n")


def test_a_value_written_with_quotes_and_hashes_is_replaced_whole() -> None:
    text = '[[plc]]\nhost = "a#b\\"c" # why\n'
    edited = edit_toml(text, {Place(table="plc", index=0, key="host"): "x"})
    assert edited == '[[plc]]\nhost = "x" # why\n'


@pytest.mark.parametrize(
    "text",
    [
        'plc = [{ id = "A", host = "h", port = 1 }]\n',
        '[[plc]]\nid = "A"\n',
        'note = """\n[[plc]]\nhost = "not this"\n"""\n[[plc]]\nhost = "h"\n',
    ],
    ids=["inline tables", "no such key", "a header inside a text"],
)
def test_a_file_that_cannot_be_edited_safely_is_refused(text: str) -> None:
    tomllib.loads(text)
    with pytest.raises(EditRefused, match="own line"):
        edit_toml(text, {Place(table="plc", index=0, key="host"): "127.0.0.1"})
