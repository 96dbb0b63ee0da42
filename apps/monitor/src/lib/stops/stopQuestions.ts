/** What is asked about stops. */
import { memoryRest, type Window } from '@/lib/memory/memoryRest';
import { askPages, PAGE_MAX } from '@/lib/memory/pages';
import type { StopsView, StopView } from '@/lib/types/generated';

export interface StopsOf extends Window {
  readonly line: string;
  /** Null: every machine of the line. */
  readonly code: string | null;
}

export interface SomeStops extends Pick<StopsView, 'kept_from' | 'unexplained'> {
  /** The first of those that were asked for, the oldest first. */
  readonly stops: readonly StopView[];
  /** How many were asked for. */
  readonly total: number;
}

/** Return the first `count` stops, all or those without a reason, and how many there are in all. */
export async function askStops(
  of: StopsOf,
  isUnexplained: boolean,
  count: number,
  signal: AbortSignal,
): Promise<SomeStops> {
  const query = { ...of, unexplained: isUnexplained || null };
  const pages = await askPages(
    (cursor, limit) => memoryRest.getStops({ ...query, cursor, limit }, signal),
    count,
  );
  const [{ total, unexplained, kept_from }] = pages;
  return {
    stops: pages.flatMap((page) => page.stops),
    total: isUnexplained ? unexplained : total,
    unexplained,
    kept_from,
  };
}

export interface Neighbours {
  /** The stop as it is now; undefined: it is not there any more. */
  readonly own: StopView | undefined;
  /** The stops of the machine just before and just after: only these can be one event with it. */
  readonly others: readonly StopView[];
}

/** Return what stands beside a stop, whether it has a reason or not. */
export async function askNeighbours(
  of: StopsOf,
  stop: StopView,
  signal: AbortSignal,
): Promise<Neighbours> {
  let before: StopView | undefined;
  let own: StopView | undefined;
  let cursor: string | null = null;
  do {
    const query = { ...of, code: stop.code, cursor, limit: PAGE_MAX };
    const page = await memoryRest.getStops(query, signal);
    for (const each of page.stops) {
      if (own !== undefined) return { own, others: [before, each].filter(isThere) };
      if (each.id === stop.id) own = each;
      else before = each;
    }
    cursor = page.next;
  } while (cursor !== null);
  return { own, others: own === undefined ? [] : [before].filter(isThere) };
}

const isThere = (stop: StopView | undefined): stop is StopView => stop !== undefined;
