import { describe, expect, it } from 'vitest';
import { findPrecursors } from '@/lib/memory/precursors';
import type { TimelineInterval } from '@/lib/types/memory';

const MINUTE = 60_000;
const START = Date.parse('2026-11-24T00:00:00Z');

/** Intervals from [minutes, status] pairs, one after the other. */
function lane(...parts: ReadonlyArray<readonly [number, TimelineInterval[2]]>): TimelineInterval[] {
  let at = START;
  return parts.map(([minutes, status]) => {
    const begin = at;
    at += minutes * MINUTE;
    return [begin, at, status, null];
  });
}
const after = (...minutes: readonly number[]) => minutes.map((minute) => START + minute * MINUTE);
const alarm = (minute: number, text: string) => ({
  atMs: START + minute * MINUTE,
  text,
});

describe('findPrecursors', () => {
  it('counts what stood in the ten minutes before each failure', () => {
    const intervals = lane(
      [30, 'running'],
      [2, 'idle'],
      [3, 'running'],
      [5, 'error'],
      [30, 'running'],
      [1, 'idle'],
      [5, 'error'],
      [30, 'running'],
      [5, 'error'],
    );
    const { failures, found } = findPrecursors(after(35, 71, 106), intervals, []);
    expect(failures).toBe(3);
    expect(found).toEqual([{ kind: 'status', name: 'idle', count: 2, share: 2 / 3 }]);
  });

  it('looks at the failures that count, and takes shorter errors for what preceded them', () => {
    const intervals = lane([30, 'running'], [1, 'error'], [2, 'running'], [5, 'error']);
    expect(findPrecursors(after(33), intervals, [])).toEqual({
      failures: 1,
      unseen: 0,
      found: [{ kind: 'status', name: 'error', count: 1, share: 1 }],
    });
  });

  it('counts alarms once for each failure, and not the alarm of the failure itself', () => {
    const intervals = lane([30, 'running'], [5, 'error']);
    const alarms = [alarm(22, 'low pressure'), alarm(25, 'low pressure'), alarm(30, 'fault')];
    expect(findPrecursors(after(30), intervals, alarms).found).toEqual([
      { kind: 'alarm', name: 'low pressure', count: 1, share: 1 },
    ]);
  });

  it('counts an alarm that nobody acknowledges with each of its rises', () => {
    const intervals = lane([30, 'running'], [5, 'error'], [30, 'running'], [5, 'error']);
    const rises = [alarm(25, 'low pressure'), alarm(60, 'low pressure')];
    expect(findPrecursors(after(30, 65), intervals, rises).found).toEqual([
      { kind: 'alarm', name: 'low pressure', count: 2, share: 1 },
    ]);
  });

  it('leaves out failures whose ten minutes before were not seen as a whole', () => {
    const intervals = lane(
      [5, 'running'],
      [5, 'error'],
      [20, 'running'],
      [3, 'unseen'],
      [4, 'idle'],
      [5, 'error'],
    );
    const nothing = { failures: 0, unseen: 2, found: [] };
    expect(findPrecursors(after(5, 37), intervals, [])).toEqual(nothing);
    expect(findPrecursors(after(5, 37), [], [])).toEqual(nothing);
  });

  it('has nothing to say without failures', () => {
    expect(findPrecursors([], lane([60, 'running']), [])).toEqual({
      failures: 0,
      unseen: 0,
      found: [],
    });
  });
});
