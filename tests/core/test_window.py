from __future__ import annotations

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.core.window import Window

values = st.lists(st.floats(-1e6, 1e6), max_size=300)


def test_an_empty_window_has_no_quantile() -> None:
    window = Window(5)
    assert (window.quantile(0.5), window.last, window.newest(3), len(window)) == (None, None, [], 0)


@given(values, st.integers(1, 120))
def test_quantiles_are_those_of_the_newest_values(added: list[float], size: int) -> None:
    window = Window(size)
    for value in added:
        window.add(value)
    kept = sorted(added[-size:])
    assert len(window) == len(kept)
    for share in (0.0, 0.5, 0.95, 0.99):
        expected = kept[min(len(kept) - 1, int(len(kept) * share))] if kept else None
        assert window.quantile(share) == expected
    assert window.newest(3) == added[::-1][: min(3, size)]


def test_the_95th_of_a_hundred_leaves_five_at_or_above_it() -> None:
    window = Window(100)
    for value in range(1000):
        window.add(float(value))
    assert window.quantile(0.95) == 995.0
    assert window.quantile(0.5) == pytest.approx(statistics.median(range(900, 1000)), abs=0.5)
    assert window.last == 999.0
