"""The time zone of this computer: whose clock days follow where `[plant]` names none.

This is the one place that asks. A zone counts only by its name: an offset of today ("KST-9") does
not say when the clock changes.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_LOCALTIME = Path("/etc/localtime")
_TIMEZONE = Path("/etc/timezone")
_FOLDER = "zoneinfo/"
# Windows names zones otherwise. From the Unicode CLDR, windowsZones.xml, territory 001.
_WINDOWS = {
    "Korea Standard Time": "Asia/Seoul",
    "Tokyo Standard Time": "Asia/Tokyo",
    "China Standard Time": "Asia/Shanghai",
    "Taipei Standard Time": "Asia/Taipei",
    "Singapore Standard Time": "Asia/Singapore",
    "SE Asia Standard Time": "Asia/Bangkok",
    "India Standard Time": "Asia/Kolkata",
    "W. Europe Standard Time": "Europe/Berlin",
    "Romance Standard Time": "Europe/Paris",
    "Central Europe Standard Time": "Europe/Budapest",
    "Central European Standard Time": "Europe/Warsaw",
    "GMT Standard Time": "Europe/London",
    "Eastern Standard Time": "America/New_York",
    "Central Standard Time": "America/Chicago",
    "Mountain Standard Time": "America/Denver",
    "Pacific Standard Time": "America/Los_Angeles",
    "Central Standard Time (Mexico)": "America/Mexico_City",
    "UTC": "UTC",
}


def computer_zone(
    environ: Mapping[str, str] = os.environ,
    localtime: Path = _LOCALTIME,
    timezone: Path = _TIMEZONE,
) -> str | None:
    """Return the name of this computer's time zone; None where it cannot be found.

    Args:
        environ: its `TZ` comes first, as for every program.
        localtime: a link into the database of zones, on Linux and macOS.
        timezone: a file with the name, where `localtime` is no link.
    """
    wanted = environ.get("TZ")
    if wanted:
        return _known(wanted.removeprefix(":").rpartition(_FOLDER)[2])
    if sys.platform == "win32":
        return _WINDOWS.get(_windows_name())
    try:
        target = str(localtime.readlink())
    except FileNotFoundError:
        return "UTC"  # what the C library takes without the file
    except OSError:
        target = ""  # a file of its own, which does not say its name
    if _FOLDER in target:
        return _known(target.rpartition(_FOLDER)[2])
    try:
        return _known(timezone.read_text(encoding="utf-8", errors="replace").strip())
    except OSError:
        return None


def _known(name: str) -> str | None:
    name = name.removeprefix("posix/").removeprefix("right/")
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _windows_name() -> str:
    """Return what Windows calls its zone; empty where it does not say."""
    if sys.platform != "win32":
        return ""
    import winreg

    path = r"SYSTEM\CurrentControlSet\Control\TimeZoneInformation"
    try:
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, path) as key:
            return str(winreg.QueryValueEx(key, "TimeZoneKeyName")[0]).split("\0", 1)[0]
    except OSError:
        return ""
