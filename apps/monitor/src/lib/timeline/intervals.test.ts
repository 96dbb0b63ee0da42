import { describe, expect, it } from 'vitest';
import {
  clipIntervals,
  eachRun,
  findFirstEndingAfter,
  findIndexAt,
  joinIntervals,
} from '@/lib/timeline/intervals';
import { type Interval, type LaneStatus, SEVERITY } from '@/lib/timeline/model';

/** Intervals one after another from 0 on: ["running", 10] lasts 10 ms. */
const tile = (...parts: ReadonlyArray<readonly [LaneStatus, number]>): Interval[] => {
  let beginMs = 0;
  return parts.map(([status, lengthMs]) => {
    const interval = { beginMs, endMs: beginMs + lengthMs, status, reason: null };
    beginMs += lengthMs;
    return interval;
  });
};
const runs = (intervals: readonly Interval[], msPerPx: number, widthPx = 100, startMs = 0) => {
  const found: Array<[number, number, LaneStatus]> = [];
  eachRun(intervals, { startMs, msPerPx, widthPx }, (x0, x1, { status }) => {
    found.push([x0, x1, status]);
  });
  return found;
};

describe('finding an interval', () => {
  const intervals = tile(['running', 10], ['error', 5], ['unseen', 5]);

  it('counts the beginning in and the end out', () => {
    expect(findIndexAt(intervals, 0)).toBe(0);
    expect(findIndexAt(intervals, 9)).toBe(0);
    expect(findIndexAt(intervals, 10)).toBe(1);
    expect(findIndexAt(intervals, 19)).toBe(2);
  });

  it('finds none outside', () => {
    expect(findIndexAt(intervals, -1)).toBe(-1);
    expect(findIndexAt(intervals, 20)).toBe(-1);
    expect(findFirstEndingAfter(intervals, 20)).toBe(3);
    expect(findIndexAt([], 0)).toBe(-1);
  });
});

describe('joining and clipping', () => {
  it('mends what the border of a tile has cut', () => {
    const [a, b] = [tile(['running', 10]), [{ ...interval('running', 10, 25) }]];
    expect(joinIntervals([a, b])).toEqual([interval('running', 0, 25)]);
  });

  it('leaves apart what differs in its reason, or has a gap between', () => {
    const reasoned = { ...interval('running', 10, 20), reason: 'running' as const };
    expect(joinIntervals([tile(['running', 10]), [reasoned]])).toHaveLength(2);
    expect(joinIntervals([tile(['running', 10]), [interval('running', 11, 20)]])).toHaveLength(2);
  });

  it('gives back the whole when its parts are joined, wherever it is cut', () => {
    const whole = tile(['running', 7], ['idle', 3], ['error', 1], ['unseen', 9], ['running', 4]);
    for (let cut = 0; cut <= 24; cut += 1) {
      const parts = [clipIntervals(whole, 0, cut), clipIntervals(whole, cut, 24)];
      expect(joinIntervals(parts)).toEqual(whole);
    }
  });
});

describe('eachRun', () => {
  it('draws what is wider than a pixel where it is', () => {
    expect(runs(tile(['running', 20], ['idle', 30]), 1)).toEqual([
      [0, 20, 'running'],
      [20, 50, 'idle'],
    ]);
  });

  it('keeps a fault of a second in a week visible', () => {
    const second = 1_000;
    const week = tile(['running', 3 * 86_400_000], ['error', second], ['running', 86_400_000]);
    expect(runs(week, 378_000, 1_600)).toContainEqual([685, 686, 'error']);
  });

  it('gives a shared pixel to the worst, whichever comes first', () => {
    const parts = ['running', 'error', 'idle'] as const;
    for (const order of [parts, [...parts].reverse()]) {
      const drawn = runs(tile(...order.map((status) => [status, 3] as const)), 10);
      expect(drawn).toEqual([[0, 1, 'error']]);
    }
  });

  it('never draws more runs than pixels, without gap or overlap, and the worst in each', () => {
    let seed = 7;
    const random = (below: number): number => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % below;
    };
    const names = Object.keys(SEVERITY) as LaneStatus[];
    for (let round = 0; round < 200; round += 1) {
      const intervals = tile(
        ...Array.from(
          { length: 60 },
          () => [names[random(names.length)] ?? 'idle', 1 + random(12)] as const,
        ),
      );
      const startMs = random(20);
      const drawn = runs(intervals, 5, 40, startMs);
      expect(drawn.length).toBeLessThanOrEqual(40);
      drawn.slice(1).forEach(([x0], i) => expect(x0).toBe(drawn[i]?.[1]));
      for (const interval of intervals) {
        const x = Math.floor((interval.beginMs - startMs) / 5);
        if (x < 0 || x >= 40) continue;
        const there = drawn.find(([x0, x1]) => x0 <= x && x < x1);
        expect(SEVERITY[there?.[2] ?? 'running']).toBeGreaterThanOrEqual(SEVERITY[interval.status]);
      }
    }
  });

  it('draws nothing beyond the edges', () => {
    expect(runs(tile(['running', 1_000]), 1, 50, 100)).toEqual([[0, 50, 'running']]);
    expect(runs(tile(['running', 10]), 1, 50, 100)).toEqual([]);
  });
});

function interval(status: LaneStatus, beginMs: number, endMs: number): Interval {
  return { beginMs, endMs, status, reason: null };
}
