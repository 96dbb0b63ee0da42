"""Counts, in the page, what React renders and what of it anybody can see.

The product knows nothing of it: React reports each commit to the hook that its developer tools
install, in production builds too, and a MutationObserver sees which boxes changed. A WebSocket's
messages are noted as they arrive; nothing is held up and nothing is changed. What a tick did is
counted until the page reads an answer to something that it asked besides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page

#: Asking at every animation frame, as Playwright does by itself, would draw sixty frames a second.
POLLING_MS = 500
HANGING_MS = 60_000  # a guard, no bound
MARGIN_S = 2.0  # by which the page's minute may be off this one's
OVERDUE_S = 1.4  # the page waits 1.5 s for a tick

#: To be added before the page loads. `window.renders` then holds one entry per tick.
COUNTER = """
(() => {
  const PERFORMED_WORK = 1;
  const ticks = [];
  // It changes with what stands beside the boxes: a banner that comes, a list that opens.
  const sizeOfBox = () => {
    const box = document.querySelector('[data-equipment-code]')?.getBoundingClientRect();
    return box === undefined ? '' : `${box.width} ${box.height}`;
  };
  const begin = () => ({
    at: performance.now(), begunAt: Date.now(), commits: 0, components: 0,
    rendered: new Set(), changed: new Set(), news: new Set(), size: sizeOfBox(),
    asked, answers: 0,
  });
  let asked = 0;
  let now = begin();
  let answersBefore = 0;
  window.renders = ticks;
  const ask = window.fetch.bind(window);
  window.fetch = async (...words) => {
    asked += 1;
    let answer;
    try {
      answer = await ask(...words);
    } catch (error) {
      now.answers += 1;
      asked -= 1;
      throw error;
    }
    now.answers += 1;
    if (!answer.ok || answer.status === 204) asked -= 1;
    const read = answer.json.bind(answer);
    answer.json = () => read().finally(() => { if (answer.ok) asked -= 1; });
    return answer;
  };
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
      if (now.answers > 0) return;
      now.commits += 1;
      visit(root.current, root.current.alternate);
    },
  };
  new MutationObserver((mutations) => {
    for (const { target } of mutations) {
      const code = boxOf(target);
      if (code === undefined || now.answers > 0) continue;
      now.changed.add(code);
      const element = target instanceof Element ? target : target.parentElement;
      if (!/(^| )_time_/.test(element?.className ?? '')) now.news.add(code);
    }
  }).observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
  const close = () => {
    const { at, begunAt, commits, components, rendered, changed, news, size } = now;
    const isCounted = commits > 0 || now.answers === 0;
    const isUnasked = now.asked + answersBefore === 0 && isCounted;
    answersBefore = now.answers;
    now = begin();
    const lasted = now.at - at;
    ticks.push({
      lasted, begunAt, commits, components, isSameSize: now.size === size, isUnasked,
      rendered: [...rendered], changed: [...changed], news: [...news],
    });
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

    begun_unix_s: float
    lasted_s: float
    commits: int
    components: int
    rendered: frozenset[str]  # boxes of which React rendered anything
    changed: frozenset[str]  # boxes whose markup changed
    news: frozenset[str]  # boxes of which more changed than the time in status
    is_same_size: bool  # of the boxes, at its begin and its end
    is_unasked: bool  # it began when the page awaited no answer, and was shown before one came

    @property
    def is_punctual(self) -> bool:
        """Whether the next tick came before the page had to count on without it."""
        return self.lasted_s < OVERDUE_S

    @property
    def is_within_minute(self) -> bool:
        """Whether the strips of all boxes stood, which move on with the minute."""
        ended_unix_s = self.begun_unix_s + self.lasted_s
        return (self.begun_unix_s - MARGIN_S) // 60 == (ended_unix_s + MARGIN_S) // 60


def take_plain(page: Page, count: int) -> list[TickRenders]:
    """Let ticks pass until `count` of them were plain; return these.

    Plain is a tick that the page did nothing besides for: it and the one before it came before the
    page had to count on by itself, no minute began, the boxes kept their size, and no answer to an
    earlier question was still to be shown.
    A busy machine makes such ticks fewer.
    """
    plain: list[TickRenders] = []
    start = page.evaluate("() => window.renders.length") + 1
    (before,) = _renders(page, start, start + 1)
    while len(plain) < count:
        start += 1
        (tick,) = _renders(page, start, start + 1)
        is_alone = tick.is_within_minute and tick.is_same_size and tick.is_unasked
        if tick.is_punctual and before.is_punctual and is_alone:
            plain.append(tick)
        before = tick
    return plain


def take_renders(page: Page, count: int) -> list[TickRenders]:
    """Let `count` whole ticks pass from now on; return what each of them rendered."""
    start = page.evaluate("() => window.renders.length") + 1
    return _renders(page, start, start + count)


def _renders(page: Page, start: int, end: int) -> list[TickRenders]:
    page.wait_for_function(
        "(end) => window.renders.length >= end",
        arg=end,
        polling=POLLING_MS,
        timeout=HANGING_MS * (end - start),
    )
    found: list[dict[str, Any]] = page.evaluate(
        "([start, end]) => window.renders.slice(start, end)", [start, end]
    )
    return [
        TickRenders(
            begun_unix_s=tick["begunAt"] / 1_000,
            lasted_s=tick["lasted"] / 1_000,
            commits=tick["commits"],
            components=tick["components"],
            rendered=frozenset(tick["rendered"]),
            changed=frozenset(tick["changed"]),
            news=frozenset(tick["news"]),
            is_same_size=tick["isSameSize"],
            is_unasked=tick["isUnasked"],
        )
        for tick in found
    ]
