"""What holds for all tests."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A property must hold; how long an example takes says how busy the machine is.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that may take longest, so that no worker is left alone with one."""
    timeout_s: defaultdict[Path, float] = defaultdict(float)
    for item in items:
        for mark in item.iter_markers("timeout"):
            timeout_s[item.path] = max(timeout_s[item.path], mark.args[0])
    items.sort(key=lambda item: -timeout_s[item.path])
