"""What holds for all tests."""

from __future__ import annotations

import gc
from collections import defaultdict
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings

import bounds

# A property must hold; how long an example takes says how busy the machine is.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

# As Lineside writes them itself; those that the library draws take longer than most tests.
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
)

TESTS = Path(__file__).parent


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--hold-bounds",
        action="store_true",
        help="let measured times decide too, on a machine that does nothing else",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "measures: has bounds on times, held by --hold-bounds")
    config.addinivalue_line("markers", "only_measures: has nothing else, and runs for them alone")
    bounds.are_held = config.getoption("--hold-bounds")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the files that may take longest, so that no worker is left alone with one."""
    timeout_s: defaultdict[Path, float] = defaultdict(float)
    for item in items:
        for mark in item.iter_markers("timeout"):
            timeout_s[item.path] = max(timeout_s[item.path], mark.args[0])
    items.sort(key=lambda item: -timeout_s[item.path])
    if not bounds.are_held:
        only_measure = [item for item in items if item.get_closest_marker("only_measures")]
        config.hook.pytest_deselected(items=only_measure)
        items[:] = [item for item in items if not item.get_closest_marker("only_measures")]


def pytest_collection_finish() -> None:
    """Let the collector look no more at the thousands of objects that stay until the end."""
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which folders of tests take the time, where more than one file was run."""
    took_s: defaultdict[str, float] = defaultdict(float)
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                path = Path(report.location[0])
                took_s["/".join(path.parts[:2] if len(path.parts) > 2 else path.parts[:1])] += (
                    report.duration
                )
    if len(took_s) > 1:
        terminalreporter.section("seconds in tests, by folder")
        for folder, seconds in sorted(took_s.items(), key=lambda each: -each[1]):
            terminalreporter.write_line(f"{seconds:8.1f}  {folder}")
