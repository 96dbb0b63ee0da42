"""The promises that are times: `PYTHONPATH=tests python -m bench.promises`.

The test run prints what it measures and lets none of it decide, since a machine that does other
things is slower. Here the same tests run one after the other, before all else that this machine
does, and fail where a figure is not within its bound: attacks cost no screen a tick and make none
late (99 of 100 within 0.1 s), machines whose PLC or server is gone are gray within 4 s, a display
that was asleep is true 1 s after waking, a killed server is back in 2 s and 200 screens in 5 s, a
suffering database holds up no board, and what hangs on is let go in its time.

Prints and writes the figures to `bench/results/promises.md`; exits with 1 when one is not within
its bound. More options, such as files, go to pytest.
"""

from __future__ import annotations

import re
import subprocess
import sys

from bench.machine import RESULTS, come_first, describe, table_of

_FIGURE = re.compile(r"^(?P<what>.+): (?P<measured>[-+.e\d]+), bound (?P<bound>[-+.e\d]+)$")
_TEST = re.compile(r"^_+ (?:\w+ of )?(?P<test>test_.+?) _+$")


def main() -> None:
    """Run every test that has bounds, holding them; write what was measured."""
    priority = come_first()
    words = [sys.executable, "-m", "pytest", "-q", "-m", "measures or only_measures"]
    words += ["--hold-bounds", "-rA", *(sys.argv[1:] or ["tests"])]
    process = subprocess.Popen(  # noqa: S603 -- ours
        words, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        print(line, end="", flush=True)
        lines.append(line.rstrip())
    status = process.wait()
    text = report(lines, describe("python -m bench.promises", priority, ("uvloop", "playwright")))
    print(text)
    if not sys.argv[1:]:
        (RESULTS / "promises.md").write_text(text, encoding="utf-8")
    sys.exit(status)


def report(lines: list[str], about: dict[str, str]) -> str:
    """Return the figures that the run printed, each with its bound, as Markdown."""
    rows: dict[tuple[str, str], tuple[float, str]] = {}
    test = ""
    for line in lines:
        if found := _TEST.match(line):
            test = found["test"]
        elif test and (found := _FIGURE.match(line)):
            key, measured = (test, found["what"]), float(found["measured"])
            if key not in rows or measured > rows[key][0]:
                rows[key] = measured, found["bound"]
    head = ["# Promises that are times", "", table_of(about), "", "The worst of each test.", ""]
    table = ["| test | figure | worst | bound |", "|---|---|---:|---:|"]
    table += [
        f"| {name} | {what} | {worst:.3g} | {bound} |"
        for (name, what), (worst, bound) in rows.items()
    ]
    return "\n".join([*head, *table]) + "\n"


if __name__ == "__main__":
    main()
