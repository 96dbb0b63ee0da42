"""Turns a configuration without mistakes into the site that the engine runs. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lineside.config.schema import (
    EquipmentConfig,
    LineConfig,
    LinesideConfig,
    PlcConfig,
    stale_after_s,
    stop_after_s,
)
from lineside.config.shifts import plant_calendar
from lineside.core.alarm_bits import AlarmBits
from lineside.core.alarm_text import AlarmRules, AlarmText
from lineside.core.model import (
    DowntimeReason,
    Equipment,
    KpiRules,
    Line,
    Plc,
    Site,
    StatusRule,
    TagRole,
)


def build_site(
    config: LinesideConfig,
    folder: Path,
    messages: Mapping[str, Mapping[int, AlarmText]],
    alarm_words: Mapping[str, int | None],
    computer_zone: str,
) -> Site:
    """Return the site that `config` describes.

    Args:
        config: a configuration in which every reference holds.
        folder: absolute; the paths in the configuration count from it.
        messages: what each alarm table says of each code.
        alarm_words: how many bits each machine's alarm_code_tag has.
        computer_zone: the time zone of this computer, for a plant that names none.
    """
    only_table = config.alarm_table[0].id if len(config.alarm_table) == 1 else None
    periods = {plc.id: plc.period for plc in config.plc}
    default_line = config.line[0].id
    lines = []
    for line in config.line:
        own = [e for e in config.equipment if (e.line or default_line) == line.id]
        lines.append(
            Line(
                id=line.id,
                name=line.name,
                equipment=tuple(
                    _equipment(e, line, periods, only_table, alarm_words.get(e.code)) for e in own
                ),
                stop_after_s=line.stop_after,
                stale_after_s=_line_stale_after_s(line, own, periods),
                floor_plan=str(folder / line.floor_plan) if line.floor_plan else None,
            )
        )
    return Site(
        lines=tuple(lines),
        plcs=tuple(_plc(plc, config.equipment) for plc in config.plc),
        calendar=plant_calendar(config.plant, config.shift, config.shift_exception, computer_zone),
        kpi_rules=KpiRules(
            micro_stop_ms=round(config.plant.micro_stop * 1000),
            failure_after_ms=round(config.plant.failure_after * 1000),
        ),
        downtime_reasons=tuple(
            DowntimeReason(code=r.code, name=r.name, name_en=r.name_en, parent=r.parent)
            for r in config.downtime_reason
        ),
        alarm_rules=AlarmRules(
            on_delay_s=config.alarms.on_delay,
            off_delay_s=config.alarms.off_delay,
            shelf_max_s=config.alarms.shelf_max,
        ),
        alarm_tables=messages,
    )


def _equipment(
    table: EquipmentConfig,
    line: LineConfig,
    periods: dict[str, float],
    only_table: str | None,
    alarm_word: int | None,
) -> Equipment:
    addresses = {
        role: address for role in TagRole if (address := getattr(table, role.value)) is not None
    }
    if table.value_map is not None:
        addresses.pop(TagRole.IDLE, None)  # the map says what idle is
    position = table.position
    return Equipment(
        code=table.code,
        name=table.name,
        line_id=line.id,
        plc_id=table.plc,
        addresses=addresses,
        rule=StatusRule(
            stop_after_s=stop_after_s(table, line),
            stale_after_s=stale_after_s(table, line, periods.get(table.plc or "", 0.0)),
            value_map=table.value_map,
            error_hold_s=table.error_hold or 0.0,
        ),
        position=(position.x, position.y) if position else None,
        alarm_table=table.alarm_table or only_table,
        alarm_bits=AlarmBits(codes=table.alarm_bits, width=alarm_word)
        if table.alarm_bits and alarm_word
        else None,
        has_own_stop_after="stop_after" in table.model_fields_set,
    )


def _line_stale_after_s(
    line: LineConfig, equipment: list[EquipmentConfig], periods: dict[str, float]
) -> float:
    """Return the line's own age, or the longest default among the PLCs that it reads from."""
    slowest_s = max((periods.get(e.plc or "", 0.0) for e in equipment), default=0.0)
    return stale_after_s(None, line, slowest_s)


def _plc(table: PlcConfig, equipment: tuple[EquipmentConfig, ...]) -> Plc:
    return Plc(
        id=table.id,
        driver=table.driver,
        endpoint=table.endpoint,
        source=f"{table.host}:{table.port} {table.transport} {table.network}.{table.pc}"
        f".{table.module_io}.{table.station} {table.family}",
        period_s=table.period,
        heartbeat=table.heartbeat,
        heartbeat_timeout_s=table.heartbeat_timeout,
        has_lamps=any(each.plc == table.id and each.error_hold for each in equipment),
    )
