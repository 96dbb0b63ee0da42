"""Bounds on what can only be measured: told by every test run, held by `make bench` alone.

How long something takes says in a test run how busy the machine is, and no test may fail for that.
`python -m bench.promises` runs the same tests by themselves and holds what they measure here.
"""

from __future__ import annotations

#: Whether what is measured decides; `--hold-bounds` says so.
are_held = False


def hold(measured: float, below: float, what: str) -> None:
    """Print a measured figure, and fail where bounds are held and it is not below its own.

    Args:
        measured: the figure.
        below: its bound, in the same unit.
        what: the figure's name and unit, for people.
    """
    print(f"{what}: {measured:.4g}, bound {below:.4g}")
    if are_held:
        assert measured < below, f"{what}: {measured:.4g}, bound {below:.4g}"
