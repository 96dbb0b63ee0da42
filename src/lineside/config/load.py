"""Loads lineside.toml: reads the files, checks everything, reports every mistake at once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from lineside.config.alarm_csv import read_messages
from lineside.config.base import Table
from lineside.config.computer_zone import computer_zone
from lineside.config.crosscheck import (
    Drafts,
    DriverRules,
    Readings,
    check_readings,
    check_references,
    check_times,
    warn_of_unused,
)
from lineside.config.crosscheck_alarms import check_alarms
from lineside.config.crosscheck_time import check_downtime_reasons, check_work_time
from lineside.config.equipment_csv import read_rows
from lineside.config.findings import Findings, Origin
from lineside.config.floor_plan import check_floor_plan
from lineside.config.locate import locate
from lineside.config.schema import (
    AlarmsConfig,
    AlarmTableConfig,
    DowntimeReasonConfig,
    EquipmentConfig,
    EquipmentCsvConfig,
    HistoryConfig,
    LineConfig,
    LinesideConfig,
    PlantConfig,
    PlcConfig,
    ServerConfig,
    ShiftConfig,
    ShiftExceptionConfig,
)
from lineside.config.site import build_site
from lineside.config.source import (
    decode_utf8,
    find_as_spelled,
    parse_toml,
    read_file,
    read_text_file,
)
from lineside.config.tables import HEADERS, Draft, TableT, did_you_mean, read_table
from lineside.core.alarm_text import AlarmText
from lineside.core.errors import ConfigError, ConfigProblem
from lineside.core.limits import (
    ALARM_TABLES_MAX,
    DOWNTIME_REASONS_MAX,
    EQUIPMENT_MAX,
    SHIFT_EXCEPTIONS_MAX,
    SHIFTS_MAX,
)
from lineside.core.model import ReadingPlan, Site

_MOST_TABLES = {
    "shift": SHIFTS_MAX,
    "shift_exception": SHIFT_EXCEPTIONS_MAX,
    "downtime_reason": DOWNTIME_REASONS_MAX,
    "alarm_table": ALARM_TABLES_MAX,
}


@dataclass(frozen=True, kw_only=True)
class LoadedConfig:
    """A configuration without mistakes, and everything that follows from it.

    `addresses` has every address to read per PLC, heartbeat first, each once; `plans` has a plan
    for each PLC with any. `files` are the files it was read from, absolute, the TOML file first;
    `fingerprint` changes whenever their contents do.
    """

    config: LinesideConfig
    site: Site
    addresses: Mapping[str, tuple[str, ...]]
    plans: Mapping[str, ReadingPlan]
    files: tuple[Path, ...]
    fingerprint: str
    warnings: tuple[ConfigProblem, ...]


def load_config(path: Path, drivers: Mapping[str, DriverRules]) -> LoadedConfig:
    """Return the configuration in the file at `path`.

    Args:
        path: the TOML file; other paths in it count from its folder.
        drivers: the protocols there are, by the name that `driver` gives.

    Raises:
        ConfigError: with every mistake found, in reading order.
    """
    return _Loader(path, drivers).load()


def fingerprint(contents: Mapping[Path, bytes | None]) -> str:
    """Return a hash of files and their contents; None stands for one that cannot be read."""
    digest = hashlib.sha256()
    for path, data in contents.items():
        digest.update(str(path).encode("utf-8", "surrogateescape") + b"\0")
        digest.update(b"-" if data is None else hashlib.sha256(data).digest())
    return digest.hexdigest()


class _Loader:
    def __init__(self, path: Path, drivers: Mapping[str, DriverRules]) -> None:
        self._path = path
        self._drivers = drivers
        self._findings = Findings()
        self._contents: dict[Path, bytes | None] = {}

    def load(self) -> LoadedConfig:
        document, top = self._read_toml()
        server = self._single(document, "server", ServerConfig, top)
        history = self._single(document, "history", HistoryConfig, top)
        lines = self._array(document, "line", LineConfig, top)
        plcs = self._array(document, "plc", PlcConfig, top)
        equipment = self._array(document, "equipment", EquipmentConfig, top)
        equipment_csv = self._single(document, "equipment_csv", EquipmentCsvConfig, top)
        if equipment_csv is not None:
            equipment += self._read_csv(equipment_csv)
        plant = self._single(document, "plant", PlantConfig, top)
        shifts = self._array(document, "shift", ShiftConfig, top)
        exceptions = self._array(document, "shift_exception", ShiftExceptionConfig, top)
        reasons = self._array(document, "downtime_reason", DowntimeReasonConfig, top)
        alarms = self._single(document, "alarms", AlarmsConfig, top)
        alarm_tables = self._array(document, "alarm_table", AlarmTableConfig, top)
        messages = {draft.table.id: self._read_messages(draft) for draft in alarm_tables}
        self._check_top(document, top, lines, equipment)
        for line in lines:
            self._read_floor_plan(line)
        drafts = Drafts(
            lines=lines,
            plcs=plcs,
            equipment=equipment,
            plant=plant,
            shifts=shifts,
            exceptions=exceptions,
            reasons=reasons,
            alarm_tables=alarm_tables,
        )
        readings = self._cross_check(drafts, messages)
        zone = self._find_zone(plant, has_shifts=bool(shifts))
        self._stop_on_problems()
        config = LinesideConfig(
            server=server.table if server else ServerConfig(),
            history=history.table if history else HistoryConfig(),
            line=tuple(draft.table for draft in lines),
            plc=tuple(draft.table for draft in plcs),
            equipment=tuple(draft.table for draft in equipment),
            equipment_csv=equipment_csv.table if equipment_csv else None,
            plant=plant.table if plant else PlantConfig(),
            shift=tuple(draft.table for draft in shifts),
            shift_exception=tuple(draft.table for draft in exceptions),
            downtime_reason=tuple(draft.table for draft in reasons),
            alarms=alarms.table if alarms else AlarmsConfig(),
            alarm_table=tuple(draft.table for draft in alarm_tables),
        )
        return self._loaded(config, readings, messages, zone)

    def _cross_check(
        self, drafts: Drafts, messages: Mapping[str, Mapping[int, AlarmText]]
    ) -> Readings:
        check_references(drafts, self._findings)
        readings = check_readings(drafts, self._drivers, self._findings)
        check_times(drafts, readings.plans, self._findings)
        check_work_time(drafts, self._findings)
        check_downtime_reasons(drafts.reasons, self._findings)
        check_alarms(drafts, readings.alarm_words, messages, self._findings)
        warn_of_unused(drafts, self._findings)
        return readings

    def _find_zone(self, plant: Draft[PlantConfig] | None, *, has_shifts: bool) -> str:
        """Return the time zone of this computer; a mistake where it is needed and has no name."""
        found = computer_zone()
        is_named = plant is not None and ("time_zone" in plant.bad or plant.has("time_zone"))
        if found is None and not is_named and not has_shifts:  # of shifts it is told elsewhere
            message = "is needed, because this computer does not say the name of its time zone"
            hint = 'write time_zone = "Asia/Seoul" below [plant]'
            self._findings.file_problem(str(self._path), message, hint, path="plant.time_zone")
        return found or "UTC"

    def _loaded(
        self,
        config: LinesideConfig,
        readings: Readings,
        messages: Mapping[str, Mapping[int, AlarmText]],
        zone: str,
    ) -> LoadedConfig:
        return LoadedConfig(
            config=config,
            site=build_site(
                config, self._path.parent.absolute(), messages, readings.alarm_words, zone
            ),
            addresses=MappingProxyType(dict(readings.addresses)),
            plans=MappingProxyType(dict(readings.plans)),
            files=tuple(self._contents),
            fingerprint=fingerprint(self._contents),
            warnings=self._findings.sorted_warnings(),
        )

    def _stop_on_problems(self) -> None:
        if self._findings.problems:
            raise ConfigError(
                self._findings.sorted_problems(),
                files=tuple(self._contents),
                fingerprint=fingerprint(self._contents),
            )

    def _read(self, path: Path) -> bytes:
        """Return what is in a file, and keep in mind what was judged, good or bad."""
        self._contents[path.absolute()] = None
        contents = self._contents[path.absolute()] = read_file(path)
        return contents

    def _beside(self, name: str) -> tuple[Path, str]:
        """Return the path of a file named in the config, and its name for messages."""
        path = self._path.parent / name
        return find_as_spelled(path), str(path)

    def _read_toml(self) -> tuple[dict[str, Any], Origin]:
        label = str(self._path)
        contents = read_text_file(self._path, label, self._findings, read=self._read)
        text = decode_utf8(contents, label, self._findings) if contents is not None else None
        document = parse_toml(text, label, self._findings) if text is not None else None
        self._stop_on_problems()
        assert text is not None and document is not None, "a problem says why not"  # noqa: S101, PT018
        return document, Origin(file=label, label="", lines=locate(text))

    def _single(
        self, document: Mapping[str, Any], key: str, model: type[TableT], top: Origin
    ) -> Draft[TableT] | None:
        if key not in document:
            return None
        origin = Origin(file=top.file, label=key, lines=top.lines, at=(key,))
        return read_table(model, document[key], origin, self._findings)

    def _array(
        self, document: Mapping[str, Any], key: str, model: type[TableT], top: Origin
    ) -> list[Draft[TableT]]:
        raw = document.get(key, [])
        if not isinstance(raw, list):
            raw_is_table = isinstance(raw, dict)
            self._findings.problem(
                top,
                (key,),
                f"must be written {HEADERS[model]}, with two brackets on each side",
                "there can be several of them",
            )
            origin = Origin(file=top.file, label=key, lines=top.lines, at=(key,))
            draft = read_table(model, raw, origin, self._findings) if raw_is_table else None
            return [draft] if draft else []
        most = _MOST_TABLES.get(key, len(raw))
        if len(raw) > most:
            message = f"{len(raw)} {HEADERS[model]} tables, at most {most} are allowed"
            self._findings.problem(top, (key, most), message)
        drafts = []
        for index, table in enumerate(raw[:most]):
            label = f"{key}[{index + 1}]"
            origin = Origin(file=top.file, label=label, lines=top.lines, at=(key, index))
            draft = read_table(model, table, origin, self._findings)
            if draft is not None:
                drafts.append(draft)
        return drafts

    def _check_top(
        self,
        document: Mapping[str, Any],
        top: Origin,
        lines: list[Draft[LineConfig]],
        equipment: list[Draft[EquipmentConfig]],
    ) -> None:
        tables: Mapping[str, type[Table]] = {
            header.strip("[]"): model for model, header in HEADERS.items()
        }
        for key in document:
            if key not in LinesideConfig.model_fields:
                homes = [HEADERS[m] for m in tables.values() if key in m.model_fields]
                hint = f"{key} belongs in {' or '.join(homes)}; write that header above it"
                known = list(LinesideConfig.model_fields)
                self._findings.problem(
                    top,
                    (key,),
                    f"unknown {'table' if isinstance(document[key], dict | list) else 'key'} {key}",
                    hint if homes else did_you_mean(key, known),
                )
        if not lines and not document.get("line"):
            self._findings.file_problem(
                top.file,
                "there is no line",
                'add [[line]] with id = "…" and name = "…"',
                path="line",
            )
        is_empty = not document.get("equipment") and "equipment_csv" not in document
        if is_empty or (not equipment and not self._findings.problems):
            self._findings.file_problem(
                top.file,
                "there is no equipment to show",
                "add [[equipment]] tables, or [equipment_csv] with file = …",
                path="equipment",
            )
        if len(equipment) > EQUIPMENT_MAX:
            self._findings.file_problem(
                top.file,
                f"{len(equipment)} machines are configured, at most {EQUIPMENT_MAX} can be served",
                "spread them over several servers",
                path="equipment",
            )

    def _read_csv(self, draft: Draft[EquipmentCsvConfig]) -> list[Draft[EquipmentConfig]]:
        if "file" in draft.bad:
            return []
        path, label = self._beside(draft.table.file)
        contents = read_text_file(path, label, self._findings, origin=draft.origin, read=self._read)
        if contents is None:
            return []
        rows = read_rows(contents, label, self._findings)
        drafts = (read_table(EquipmentConfig, r.raw, r.origin, self._findings) for r in rows)
        return [draft for draft in drafts if draft is not None]

    def _read_messages(self, draft: Draft[AlarmTableConfig]) -> Mapping[int, AlarmText]:
        if "file" in draft.bad:
            return {}
        path, label = self._beside(draft.table.file)
        contents = read_text_file(path, label, self._findings, origin=draft.origin, read=self._read)
        return read_messages(contents, label, self._findings) if contents is not None else {}

    def _read_floor_plan(self, draft: Draft[LineConfig]) -> None:
        if not draft.has("floor_plan") or draft.table.floor_plan is None:
            return
        path, label = self._beside(draft.table.floor_plan)
        check_floor_plan(path, label, draft.origin, self._findings, self._read)
