import { describe, expect, it } from 'vitest';
import { chooseLevel, EXACT, getTileRange, LEVELS, planRequests } from '@/lib/timeline/tiles';

describe('levels', () => {
  it('never merge what is wider than a pixel', () => {
    for (const msPerPx of [10, 9_999, 10_000, 18_000, 54_000, 378_000, 2_000_000]) {
      expect(chooseLevel(msPerPx).resolutionMs).toBeLessThanOrEqual(msPerPx);
    }
    expect(chooseLevel(100)).toBe(EXACT);
    expect(chooseLevel(378_000).resolutionMs).toBe(300_000);
  });

  it('become coarser and longer', () => {
    LEVELS.slice(1).forEach((level, i) => {
      expect(level.resolutionMs).toBeGreaterThan(LEVELS[i]?.resolutionMs ?? 0);
      expect(level.tileMs).toBeGreaterThan(LEVELS[i]?.tileMs ?? 0);
    });
  });
});

describe('planning requests', () => {
  it('asks for the tiles that a window touches, and no more', () => {
    const { tileMs } = EXACT;
    expect(getTileRange(EXACT, 0, tileMs)).toEqual({ first: 0, last: 0 });
    expect(getTileRange(EXACT, tileMs - 1, tileMs + 1)).toEqual({ first: 0, last: 1 });
    expect(getTileRange(EXACT, tileMs, tileMs)).toEqual({ first: 1, last: 1 });
  });

  it('asks for neighbours at once, and leaves out what is there', () => {
    const held = new Set([2, 3]);
    expect(planRequests({ first: 0, last: 5 }, (index) => !held.has(index))).toEqual([
      { first: 0, last: 1 },
      { first: 4, last: 5 },
    ]);
    expect(planRequests({ first: 0, last: 5 }, () => false)).toEqual([]);
  });

  it('cuts what would be too long an answer', () => {
    const requests = planRequests({ first: 0, last: 9 }, () => true);
    expect(requests.map(({ first, last }) => last - first + 1)).toEqual([4, 4, 2]);
  });
});
