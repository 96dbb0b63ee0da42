"""A copy of a config in which every PLC is on this computer, comments and all.

Text work only; who listens where is decided by the caller.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from lineside.config.schema import LinesideConfig
from lineside.demo.toml_edit import Place, edit_toml

LOOPBACK = "127.0.0.1"
_MARK = "# Written by `lineside simulate --loopback`"


def loopback_copy(
    text: str, config: LinesideConfig, ports: Mapping[str, int], source: Path, target: Path
) -> str:
    """Return the text of `config` with every PLC on 127.0.0.1.

    Args:
        text: the config's own text.
        config: what it says.
        ports: the port of every PLC, by id.
        source: where the config stands; the paths in it count from there.
        target: where the copy will stand; the paths in it are changed to count from there.

    Raises:
        EditRefused: the text is written in a way that cannot be edited safely.
    """
    values: dict[Place, str | int] = {}
    for index, plc in enumerate(config.plc):
        values[Place(table="plc", index=index, key="host")] = LOOPBACK
        values[Place(table="plc", index=index, key="port")] = ports[plc.id]
    if source.resolve().parent != target.resolve().parent:
        for index, line in enumerate(config.line):
            if line.floor_plan is not None:
                moved = _moved(line.floor_plan, source, target)
                values[Place(table="line", index=index, key="floor_plan")] = moved
        if config.equipment_csv is not None:
            moved = _moved(config.equipment_csv.file, source, target)
            values[Place(table="equipment_csv", index=0, key="file")] = moved
    line_end = "\r\n" if "\r\n" in text else "\n"
    mark = f"{_MARK} from {source.name}: every PLC is simulated on this computer."
    return mark + line_end + edit_toml(_without_mark(text), values)


def is_loopback_copy(text: str) -> bool:
    """Whether `text` was written by `loopback_copy`, so that it may be written over."""
    return text.startswith(_MARK)


def _without_mark(text: str) -> str:
    return text.split("\n", 1)[1] if is_loopback_copy(text) else text


def _moved(name: str, source: Path, target: Path) -> str:
    """Return the path that means from `target`'s folder what `name` means from `source`'s."""
    absolute = (source.resolve().parent / name).resolve()
    try:
        relative = os.path.relpath(absolute, target.resolve().parent)
    except ValueError:  # another drive on Windows
        return absolute.as_posix()
    return Path(relative).as_posix()
