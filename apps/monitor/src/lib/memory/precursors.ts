/** What a machine did before it failed, counted over many failures. Pure. */
import type { TimelineInterval } from '@/lib/types/memory';

export const BEFORE_MS = 10 * 60_000;

export interface Precursor {
  readonly kind: 'status' | 'alarm';
  /** A status, or the alarm's text. */
  readonly name: string;
  /** How many of the failures had it in the ten minutes before. */
  readonly count: number;
  /** Of all failures looked at, 0 to 1. */
  readonly share: number;
}

/** An alarm rose. One that nobody acknowledges does so again and again. */
export interface Rise {
  readonly atMs: number;
  readonly text: string;
}

export interface Precursors {
  /** Failures looked at: those whose ten minutes before were seen as a whole. */
  readonly failures: number;
  /** Failures left out, because part of what was before them was not seen. */
  readonly unseen: number;
  readonly found: readonly Precursor[];
}

/**
 * Return what stood in the ten minutes before the failures of one machine.
 *
 * Running is no precursor: it is what a machine does. Alarms are those that rose in the ten minutes
 * and not with the failure itself.
 *
 * @param begins when each failure that counts began, as the server tells it, in order, in Unix
 *   milliseconds.
 * @param intervals in order, without gaps; ask for ten minutes more than is to be looked at.
 * @param alarms of the same machine: each rise of each, with the text to show.
 */
export function findPrecursors(
  begins: readonly number[],
  intervals: readonly TimelineInterval[],
  alarms: readonly Rise[],
): Precursors {
  const counts = new Map<string, Precursor>();
  let failures = 0;
  let unseen = 0;
  const firstMs = intervals[0]?.[0] ?? Number.POSITIVE_INFINITY;
  const rises = [...alarms].sort((a, b) => a.atMs - b.atMs);
  let first = 0; // of the intervals and of the rises, what is not yet over before a failure
  let firstRise = 0;
  for (const atMs of begins) {
    const fromMs = atMs - BEFORE_MS;
    first = skipWhile(intervals, first, ([, endMs]) => endMs <= fromMs);
    firstRise = skipWhile(rises, firstRise, ({ atMs: roseMs }) => roseMs < fromMs);
    const last = skipWhile(intervals, first, ([beginMs]) => beginMs < atMs);
    const before = intervals.slice(first, last).map(([, , name]) => name);
    if (fromMs < firstMs || before.some((name) => name === 'unseen' || name === 'disconnected')) {
      unseen += 1;
      continue;
    }
    failures += 1;
    const seen = new Set(
      before.filter((name) => name !== 'running').map((name) => `status ${name}`),
    );
    const lastRise = skipWhile(rises, firstRise, ({ atMs: roseMs }) => roseMs < atMs - 1_000);
    for (const { text } of rises.slice(firstRise, lastRise)) seen.add(`alarm ${text}`);
    for (const key of seen) {
      const [kind, name] = split(key);
      const count = (counts.get(key)?.count ?? 0) + 1;
      counts.set(key, { kind, name, count, share: 0 });
    }
  }
  const found = [...counts.values()]
    .map((precursor) => ({ ...precursor, share: precursor.count / failures }))
    .sort((a, b) => b.count - a.count || a.name.localeCompare(b.name));
  return { failures, unseen, found };
}

/** Return the first index from `index` on whose item is not to be skipped. */
function skipWhile<Item>(
  items: readonly Item[],
  index: number,
  isSkipped: (item: Item) => boolean,
): number {
  let found = index;
  for (let item = items[found]; item !== undefined && isSkipped(item); item = items[found]) {
    found += 1;
  }
  return found;
}

function split(key: string): readonly [Precursor['kind'], string] {
  const isStatus = key.startsWith('status ');
  return [isStatus ? 'status' : 'alarm', key.slice(isStatus ? 7 : 6)];
}
