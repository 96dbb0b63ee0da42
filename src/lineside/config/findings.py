"""Collects mistakes and warnings, each with the place where it stands. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lineside.config.locate import TomlPath, line_of
from lineside.core.errors import ConfigProblem


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a table comes from: a table of the TOML file, or a row of the CSV file.

    `label` is how people name it ("equipment[3]"); `at` is its path in `lines`. A row's keys are
    its columns: `position.x` is the column position_x.
    """

    file: str
    label: str
    lines: Mapping[TomlPath, int]
    at: TomlPath = ()
    is_row: bool = False

    def line(self, *keys: str | int) -> int | None:
        """Return the line of `keys` within the table, or of the nearest thing around it."""
        return line_of(self.lines, (*self.at, *keys))

    def path(self, *keys: str | int) -> str:
        """Return the path of `keys` within the table as people say it, items counted from 1."""
        path = self.label
        for key in keys:
            if isinstance(key, int):
                path += f"[{key + 1}]"
            else:
                path += f"{'_' if self.is_row else '.'}{key}" if path else key
        return path

    def place(self) -> str:
        """Return the place of the table in words: "line 12", or with the file when in a CSV."""
        line = self.line()
        return f"line {line}" if line is not None else self.file


@dataclass
class Findings:
    """Mistakes, which stop the start, and warnings, which do not."""

    problems: list[ConfigProblem] = field(default_factory=list)
    warnings: list[ConfigProblem] = field(default_factory=list)

    def problem(
        self, origin: Origin, keys: Sequence[str | int], message: str, hint: str = ""
    ) -> None:
        """Note a mistake at `keys` of the table `origin`."""
        self.problems.append(_at(origin, keys, message, hint))

    def warning(
        self, origin: Origin, keys: Sequence[str | int], message: str, hint: str = ""
    ) -> None:
        """Note something odd that the server can live with at `keys` of the table `origin`."""
        self.warnings.append(_at(origin, keys, message, hint))

    def file_problem(
        self, file: str, message: str, hint: str = "", *, line: int | None = None, path: str = ""
    ) -> None:
        """Note a mistake that concerns a file as such."""
        self.problems.append(
            ConfigProblem(file=file, line=line, path=path, message=message, hint=hint)
        )

    def sorted_problems(self) -> tuple[ConfigProblem, ...]:
        """Return the mistakes in reading order: file by file as first met, from top to bottom."""
        return _in_reading_order(self.problems)

    def sorted_warnings(self) -> tuple[ConfigProblem, ...]:
        """Return the warnings in reading order."""
        return _in_reading_order(self.warnings)


def _at(origin: Origin, keys: Sequence[str | int], message: str, hint: str) -> ConfigProblem:
    return ConfigProblem(
        file=origin.file,
        line=origin.line(*keys),
        path=origin.path(*keys),
        message=message,
        hint=hint,
    )


def _in_reading_order(problems: Sequence[ConfigProblem]) -> tuple[ConfigProblem, ...]:
    files = {file: rank for rank, file in enumerate(dict.fromkeys(p.file for p in problems))}
    return tuple(sorted(problems, key=lambda p: (files[p.file], p.line or 0)))
