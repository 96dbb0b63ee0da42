import { describe, expect, it } from 'vitest';
import {
  getLaneAt,
  getVisibleLanes,
  hitInterval,
  layOutLanes,
  toMs,
  toPx,
} from '@/lib/timeline/laneLayout';
import type { Interval } from '@/lib/timeline/model';

const desk = { widthPx: 1_700, heightPx: 850 };

describe('the lanes', () => {
  it('fill the height while they can be read', () => {
    expect(layOutLanes(17, desk).totalPx).toBeLessThanOrEqual(850);
    expect(layOutLanes(17, desk).totalPx).toBeGreaterThan(800);
    expect(layOutLanes(2, desk).rowPx).toBe(56);
  });

  it('scroll where they cannot', () => {
    const layout = layOutLanes(100, desk);
    expect(layout.rowPx).toBe(26);
    expect(layout.totalPx).toBe(2_600);
    expect(getVisibleLanes(layout, 0, 850)).toEqual({ first: 0, last: 32 });
    expect(getVisibleLanes(layout, 1_750, 850)).toEqual({ first: 67, last: 99 });
  });

  it('write the name above the bar on a phone', () => {
    const layout = layOutLanes(17, { widthPx: 390, heightPx: 500 });
    expect(layout.isNarrow).toBe(true);
    expect(layout.barTopPx + layout.barPx).toBeLessThan(layout.rowPx);
  });

  it('are found under a finger', () => {
    const layout = layOutLanes(100, desk);
    expect(getLaneAt(layout, 0)).toBe(0);
    expect(getLaneAt(layout, 26)).toBe(1);
    expect(getLaneAt(layout, 2_599)).toBe(99);
    expect(getLaneAt(layout, 2_600)).toBe(-1);
    expect(getLaneAt(layout, -1)).toBe(-1);
  });
});

describe('hitting an interval', () => {
  const viewport = { startMs: 0, endMs: 1_000_000 };
  const intervals: Interval[] = [
    { beginMs: 0, endMs: 500_000, status: 'running', reason: null },
    { beginMs: 500_000, endMs: 500_100, status: 'error', reason: null },
    { beginMs: 500_100, endMs: 1_000_000, status: 'running', reason: null },
  ];

  it('goes to pixels and back', () => {
    expect(toPx(viewport, toMs(viewport, 123, 1_000), 1_000)).toBeCloseTo(123);
  });

  it('finds a short one beside the pointer', () => {
    expect(hitInterval(intervals, viewport, 497, 1_000, 6)?.status).toBe('error');
    expect(hitInterval(intervals, viewport, 503, 1_000, 6)?.status).toBe('error');
    expect(hitInterval(intervals, viewport, 480, 1_000, 6)?.status).toBe('running');
  });

  it('finds nothing where nothing is known', () => {
    expect(hitInterval(intervals, { startMs: 2e6, endMs: 3e6 }, 10, 1_000, 6)).toBeNull();
    expect(hitInterval([], viewport, 10, 1_000, 6)).toBeNull();
  });
});
