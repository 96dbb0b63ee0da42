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
 * @param begins when each failure that counts began, as the server tells it, in Unix milliseconds.
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
  for (const atMs of begins) {
    const fromMs = atMs - BEFORE_MS;
    const before = intervals
      .filter(([beginMs, endMs]) => endMs > fromMs && beginMs < atMs)
      .map(([, , name]) => name);
    if (fromMs < firstMs || before.some((name) => name === 'unseen' || name === 'disconnected')) {
      unseen += 1;
      continue;
    }
    failures += 1;
    const seen = new Set(
      before.filter((name) => name !== 'running').map((name) => `status ${name}`),
    );
    for (const { atMs: roseMs, text } of alarms) {
      if (roseMs >= fromMs && roseMs < atMs - 1_000) seen.add(`alarm ${text}`);
    }
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

function split(key: string): readonly [Precursor['kind'], string] {
  const isStatus = key.startsWith('status ');
  return [isStatus ? 'status' : 'alarm', key.slice(isStatus ? 7 : 6)];
}
