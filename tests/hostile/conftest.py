"""One server and fifty listening screens per module of attacks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hostile.siege import Siege, besieged


@pytest.fixture(scope="module")
def siege() -> Iterator[Siege]:
    with besieged() as under_attack:
        yield under_attack
