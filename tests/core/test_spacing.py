"""How far apart polls are, since they are timed by the ticks."""

from __future__ import annotations

import pytest

from lineside.core.spacing import poll_spacing_s


@pytest.mark.parametrize(
    ("period_s", "spacing_s"),
    [(0.02, 0.02), (0.3, 1 / 3), (0.5, 0.5), (0.7, 1.0), (1.0, 1.0), (1.1, 2.0), (5.0, 5.0)],
)
def test_polls_fit_the_ticks(period_s: float, spacing_s: float) -> None:
    assert poll_spacing_s(period_s) == pytest.approx(spacing_s)


def test_a_sum_of_tenths_is_not_taken_for_more_than_it_is() -> None:
    assert poll_spacing_s(0.1 + 0.2, tick_period_s=0.3) == pytest.approx(0.3)
    assert poll_spacing_s(0.1, tick_period_s=0.1 + 0.2) == pytest.approx(0.1)
