"""axe-core, run inside a page: WCAG 2.2 AA and axe's own best practice. No rule is exempted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import Page

AXE = Path(__file__).parents[2] / "apps/monitor/node_modules/axe-core/axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def violations(page: Page, *, but_not: str = "") -> list[str]:
    """Return what axe finds wrong, one readable line per element.

    Args:
        page: the page as it stands.
        but_not: a selector of what is not ours to mend.
    """
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found: dict[str, Any] = page.evaluate(
        """([butNot, values]) => {
            // A colour that is still fading in has no contrast to measure yet.
            for (const animation of document.getAnimations()) {
              if (animation.effect.getComputedTiming().endTime !== Infinity) animation.finish();
            }
            const exclude = butNot === '' ? [] : [[butNot]];
            return axe.run({ exclude }, { runOnly: { type: 'tag', values } });
        }""",
        [but_not, RULES],
    )
    assert found["passes"], "axe ran over nothing"
    return [
        f"{violation['id']} ({violation['impact']}): {node['target']} {node['failureSummary']}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]
