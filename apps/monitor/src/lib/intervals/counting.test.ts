import { describe, expect, it } from 'vitest';
import { lengthOf, listCounted } from '@/lib/intervals/counting';
import type { CountedIntervalView } from '@/lib/types/generated';

const START = Date.parse('2026-11-24T00:00:00Z');

/** Intervals from [minutes, status, planned?] one after the other. */
function tell(
  ...parts: ReadonlyArray<readonly [number, CountedIntervalView['status'], boolean?]>
): CountedIntervalView[] {
  let at = START;
  return parts.map(([minutes, status, isPlanned = true]) => {
    const begin = at;
    at += minutes * 60_000;
    return {
      begin: new Date(begin).toISOString(),
      end: new Date(at).toISOString(),
      status,
      is_planned: isPlanned,
      counts_as: isPlanned ? status : 'not_planned',
      reason: null,
      comment: null,
    };
  });
}
const minutes = (intervals: readonly CountedIntervalView[]): number[] =>
  intervals.map((interval) => lengthOf(interval) / 60_000);

const SHIFT = tell(
  [60, 'running'],
  [1, 'idle'],
  [30, 'running'],
  [12, 'error'],
  [15, 'stopped'],
  [40, 'running'],
  [10, 'error'],
  [40, 'error', false],
  [10, 'error'],
  [3, 'disconnected'],
  [2, 'error'],
  [20, 'running'],
);

describe('listCounted', () => {
  it('finds what is above and below the line of each fraction', () => {
    const sum = (figure: Parameters<typeof listCounted>[1]): number =>
      minutes(listCounted(SHIFT, figure, 2)).reduce((total, each) => total + each, 0);
    expect(sum('strict_availability')).toBe(203);
    expect(sum('availability')).toBe(200);
    expect(sum('technical_efficiency')).toBe(150 + 34);
    expect(sum('mttr')).toBe(74);
    expect(sum('unseen')).toBe(3);
  });

  it('tells the shortest stops as micro-stops; a stop goes on across a break', () => {
    expect(minutes(listCounted(SHIFT, 'micro_stops', 2))).toEqual([1, 2]);
    expect(minutes(listCounted(SHIFT, 'stops', 2))).toEqual([12, 15, 10, 10]);
    expect(listCounted(SHIFT, 'micro_stops', 0)).toEqual([]);
  });

  it('ends a stop where nobody saw the machine', () => {
    const intervals = tell([5, 'stopped'], [1, 'unseen'], [9, 'stopped']);
    expect(minutes(listCounted(intervals, 'micro_stops', 1))).toEqual([5]);
  });
});
