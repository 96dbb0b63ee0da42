"""Another build of the page, served by the same Lineside from another folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import lineside


def copied(folder: Path) -> tuple[dict[str, str], Path]:
    """Copy the package; give the environment that runs the copy, and where its page is."""
    package = Path(lineside.__file__).parent
    shutil.copytree(package, folder / "lineside", ignore=shutil.ignore_patterns("__pycache__"))
    return {"PYTHONPATH": str(folder)}, folder / "lineside" / "web" / "static"


def upgraded(folder: Path) -> dict[str, str]:
    """Give the environment of a Lineside in whose page every script has another name."""
    environment, page = copied(folder)
    assets = page / "assets"
    names = {path.name: path.stem[:-8] + "Upgraded" + path.suffix for path in assets.glob("*.js")}
    for file in (*assets.glob("*.js"), page / "index.html"):
        text = file.read_text(encoding="utf-8")
        for old, new in names.items():
            text = text.replace(old, new)
        file.write_text(text, encoding="utf-8")
    for old, new in names.items():
        (assets / old).rename(assets / new)
    return environment


def too_new(folder: Path) -> dict[str, str]:
    """Give the environment of a Lineside whose page is written in what no browser understands."""
    environment, page = copied(folder)
    for script in (page / "assets").glob("*.js"):
        script.write_text("const page = |> of the future;\n", encoding="utf-8")
    return environment
