/** Long lists come page by page: asked for as far as they are shown, and further on demand. */
import { useCallback, useRef } from 'react';
import { useAnswer } from '@/lib/memory/useAnswer';

/** The server gives no more than this at once. */
export const PAGE_MAX = 1_000;

export interface PageOf {
  /** `cursor` for the next page; null: this is the last. */
  readonly next: string | null;
}

/** Return the pages that hold the first `count` items, or all of them; there is at least one. */
export async function askPages<Page extends PageOf>(
  askPage: (cursor: string | null, limit: number) => Promise<Page>,
  count: number,
): Promise<readonly [Page, ...Page[]]> {
  const first = await askPage(null, Math.min(count, PAGE_MAX));
  const pages: [Page, ...Page[]] = [first];
  let { next } = first;
  for (let left = count - PAGE_MAX; left > 0 && next !== null; left -= PAGE_MAX) {
    const page: Page = await askPage(next, Math.min(left, PAGE_MAX));
    pages.push(page);
    next = page.next;
  }
  return pages;
}

/**
 * Ask for the first `step` items of a list, and for as many more each time `more` is called. What
 * is there stays while more of it is awaited. `ask` must keep its identity as in `useAnswer`.
 */
export function useGrowing<View>(
  ask: (count: number, signal: AbortSignal) => Promise<View>,
  step: number,
): ReturnType<typeof useAnswer<View>> & { readonly more: () => void } {
  const wanted = useRef<{ readonly of: unknown; readonly count: number } | null>(null);
  const askSome = useCallback(
    (signal: AbortSignal) => ask(wanted.current?.of === ask ? wanted.current.count : step, signal),
    [ask, step],
  );
  const answer = useAnswer(askSome);
  function more(): void {
    const count = wanted.current?.of === ask ? wanted.current.count : step;
    wanted.current = { of: ask, count: count + step };
    answer.reload();
  }
  return { ...answer, more };
}
