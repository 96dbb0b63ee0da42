"""The demo plant: 17 machines of a welding and assembly line on three simulated PLCs."""

from __future__ import annotations

import tempfile
import tomllib
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from datetime import date, datetime, timedelta
from importlib import resources
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from lineside.config import load_config
from lineside.core.ports import Clock
from lineside.demo.plant import SimulatedPlant
from lineside.demo.toml_edit import Place, edit_toml
from lineside.drivers import DRIVERS

DEMO_ZONE = "Asia/Seoul"
DEMO_DAYS = 360  # for which work is always planned; an exception lasts up to a year
DEMO_SEED = 4  # with which the first minutes show every status and nothing crowds
# Parts pass the machines in another order than the codes count: the robots came later.
_FLOW = (103, 104, 105, 107, 108, 106, 109, 110, 101, 102, 111, 114, 115, 112, 113, 116, 117)
DEMO_FLOW = tuple(f"KRCWO12ELOA{number}" for number in _FLOW)


class Demo(msgspec.Struct, frozen=True, kw_only=True):
    """The demo plant, listening. Its config says the ports that it really has."""

    config_path: Path
    plant: SimulatedPlant


@asynccontextmanager
async def open_demo(
    clock: Clock, *, seed: int = DEMO_SEED, speed: float = 1.0, folder: Path | None = None
) -> AsyncIterator[Demo]:
    """Serve the demo plant for as long as the context lasts.

    The caller runs `demo.plant.run()` as a task and loads `demo.config_path` as any config.

    Args:
        clock: measures the plant's time.
        seed: the same seed gives the same life.
        speed: seconds of plant time per second.
        folder: where its config, floor plan and alarm table are written; None: a folder that goes
            with it.
    """
    with _folder_or_temporary(folder) as where:
        target = Path(where)
        today = _today(clock)
        config_path = write_demo_config(target, today=today)
        plant = SimulatedPlant(
            load_config(config_path, DRIVERS),
            clock=clock,
            seed=seed,
            speed=speed,
            is_any_port_good=True,
            flow=DEMO_FLOW,
        )
        async with plant:
            write_demo_config(target, plant.ports, today=today)
            yield Demo(config_path=config_path, plant=plant)


def write_demo_config(
    folder: Path, ports: Mapping[str, int] | None = None, *, today: date | None = None
) -> Path:
    """Write the demo's config, with the PLCs' real `ports`, and the files it names into `folder`.

    Args:
        folder: where to.
        ports: by PLC, in place of those that stand in it.
        today: from which day on work is planned around the clock; None: only as in every week.

    Returns:
        The path of the config.
    """
    package = resources.files(__name__)
    text = package.joinpath("plant.toml").read_text(encoding="utf-8")
    places = {
        f"PLC{index + 1:02}": Place(table="plc", index=index, key="port") for index in range(3)
    }
    text = edit_toml(text, {places[plc_id]: port for plc_id, port in (ports or {}).items()})
    if today is not None:
        text += _always_at_work(text, today)
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("floor-plan.svg", "alarms.csv"):
        folder.joinpath(name).write_bytes(package.joinpath(name).read_bytes())
    config_path = folder / "lineside.toml"
    config_path.write_text(text, encoding="utf-8")
    return config_path


def _always_at_work(text: str, today: date) -> str:
    """Return exceptions with which every shift of the config `text` takes place for a year.

    What is planned begins yesterday with the shift that may reach into today.
    """
    tables = []
    for shift in tomllib.loads(text)["shift"]:
        is_overnight = shift["end"] <= shift["start"]
        first = today - timedelta(days=1) if is_overnight else today
        tables.append(
            "\n[[shift_exception]]\n"
            'name = "시연"\n'
            f'shift = "{shift["id"]}"\n'
            f"date = {first}\n"
            f"until = {first + timedelta(days=DEMO_DAYS)}\n"
            f'start = "{shift["start"]}"\n'
            f'end = "{shift["end"]}"\n'
            "breaks = []\n"
        )
    return "".join(tables)


def _today(clock: Clock) -> date:
    return datetime.fromtimestamp(clock().unix_s, ZoneInfo(DEMO_ZONE)).date()


def _folder_or_temporary(folder: Path | None) -> AbstractContextManager[Path | str]:
    if folder is not None:
        return nullcontext(folder)
    return tempfile.TemporaryDirectory(prefix="lineside-demo-", ignore_cleanup_errors=True)
