"""Counts, in the page, what React renders and what of it anybody can see.

The product knows nothing of it: React reports each commit to the hook that its developer tools
install, in production builds too, and a MutationObserver sees which boxes changed. A WebSocket's
messages are noted as they arrive; nothing is held up and nothing is changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page

#: Asking at every animation frame, as Playwright does by itself, would draw sixty frames a second.
POLLING_MS = 500
OVERDUE_S = 1.4  # the page waits 1.5 s for a tick

#: To be added before the page loads. `window.renders` then holds one entry per tick.
COUNTER = """
(() => {
  const PERFORMED_WORK = 1;
  const ticks = [];
  const begin = () => ({
    at: performance.now(), commits: 0, components: 0, rendered: new Set(), changed: new Set(),
  });
  let now = begin();
  window.renders = ticks;
  const boxOf = (node) => {
    const element = node instanceof Element ? node : node?.parentElement;
    return element?.closest('[data-equipment-code]')?.dataset.equipmentCode;
  };
  // A component's box: the one that it is inside, or the one that it is.
  const boxOfFiber = (fiber) => {
    for (let at = fiber; at !== null; at = at.return) {
      if (at.stateNode instanceof Element) return boxOf(at.stateNode);
      const root = at.child?.stateNode;
      if (root instanceof Element && root.dataset.equipmentCode) return boxOf(root);
    }
    return undefined;
  };
  const visit = (fiber, before) => {
    const isComponent = typeof fiber.type === 'function' || typeof fiber.type === 'object';
    if (fiber.flags & PERFORMED_WORK && isComponent && typeof fiber.stateNode !== 'string') {
      now.components += 1;
      const code = boxOfFiber(fiber);
      if (code !== undefined) now.rendered.add(code);
    }
    if (before !== null && fiber.child === before.child) return;
    for (let child = fiber.child; child !== null; child = child.sibling) {
      const known = child.alternate;
      if (before !== null && known === null) visit(child, null);
      else visit(child, known);
    }
  };
  window.__REACT_DEVTOOLS_GLOBAL_HOOK__ = {
    isDisabled: false,
    supportsFiber: true,
    renderers: new Map(),
    inject: () => 1,
    checkDCE: () => undefined,
    onCommitFiberUnmount: () => undefined,
    onPostCommitFiberRoot: () => undefined,
    onCommitFiberRoot: (_, root) => {
      now.commits += 1;
      visit(root.current, root.current.alternate);
    },
  };
  new MutationObserver((mutations) => {
    for (const { target } of mutations) {
      const code = boxOf(target);
      if (code !== undefined) now.changed.add(code);
    }
  }).observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
  const close = () => {
    const { at, commits, components, rendered, changed } = now;
    now = begin();
    const lasted = now.at - at;
    ticks.push({ lasted, commits, components, rendered: [...rendered], changed: [...changed] });
  };
  window.WebSocket = class extends window.WebSocket {
    constructor(...address) {
      super(...address);
      this.addEventListener('message', ({ data }) => {
        if (data.startsWith('{"type":"equipment_status"')) close();
      });
    }
  };
})()
"""


@dataclass(frozen=True, kw_only=True)
class TickRenders:
    """What the page did from one tick to the next."""

    lasted_s: float
    commits: int
    components: int
    rendered: frozenset[str]  # boxes of which React rendered anything
    changed: frozenset[str]  # boxes whose markup changed

    @property
    def is_punctual(self) -> bool:
        """Whether the next tick came before the page had to count on without it."""
        return self.lasted_s < OVERDUE_S


def wait_within_minute(page: Page, seconds: int) -> None:
    """Wait until the minute has `seconds` left, since the strips of all boxes move on with it."""
    page.wait_for_function(
        "(most) => { const now = new Date().getSeconds(); return now >= 2 && now <= most; }",
        arg=58 - seconds,
        polling=POLLING_MS,
        timeout=90_000,
    )


def take_renders(page: Page, count: int, *, timeout_ms: float = 0) -> list[TickRenders]:
    """Let `count` whole ticks pass from now on; return what each of them rendered."""
    start = page.evaluate("() => window.renders.length") + 1
    page.wait_for_function(
        "(end) => window.renders.length >= end",
        arg=start + count,
        polling=POLLING_MS,
        timeout=timeout_ms or 3_000 * (count + 2),
    )
    found: list[dict[str, Any]] = page.evaluate(
        "([start, end]) => window.renders.slice(start, end)", [start, start + count]
    )
    return [
        TickRenders(
            lasted_s=tick["lasted"] / 1_000,
            commits=tick["commits"],
            components=tick["components"],
            rendered=frozenset(tick["rendered"]),
            changed=frozenset(tick["changed"]),
        )
        for tick in found
    ]
