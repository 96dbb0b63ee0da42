import { describe, expect, it } from 'vitest';
import { AGE_GRACE_MS, findLateCodes, getAgeMs, getBoardAgeMs } from '@/lib/board/aging';
import { at, buildBoard, buildView, instant } from '@/lib/testing';
import { elapsedMs } from '@/lib/time/instant';

const STALE_MS = 3_000;
const board = buildBoard(
  buildView('A', 'running', { last_updated: at(-0.3) }),
  buildView('B', 'running', { last_updated: at(-2.5) }),
  buildView('C', 'disconnected', { last_updated: at(-90) }),
);
const late = (seconds: number, phase: 'live' | 'reconnecting' | 'stale' | 'failed') => [
  ...findLateCodes(board, phase, STALE_MS, instant(seconds)),
];

describe('getAgeMs', () => {
  it("adds the page's own waiting to the age in the server's time", () => {
    expect(getAgeMs(board, 'A', instant(0))).toBe(300);
    expect(getAgeMs(board, 'A', instant(4))).toBe(4_300);
  });

  it('does not depend on whether the clocks of page and server agree', () => {
    const now = { monotonicMs: instant(2).monotonicMs, wallMs: 0 };
    expect(getAgeMs(board, 'A', now)).toBe(2_300);
  });
});

describe('elapsedMs', () => {
  it('catches a sleep in which the monotonic clock stood still', () => {
    const before = instant(0);
    const now = { monotonicMs: before.monotonicMs + 40, wallMs: before.wallMs + 3_600_000 };
    expect(elapsedMs(before, now)).toBe(3_600_000);
  });

  it('is not fooled by a wall clock that was set back', () => {
    const before = instant(0);
    const now = { monotonicMs: before.monotonicMs + 5_000, wallMs: before.wallMs - 3_600_000 };
    expect(elapsedMs(before, now)).toBe(5_000);
  });
});

describe('findLateCodes', () => {
  it('believes fresh data', () => {
    expect(late(0.5, 'live')).toEqual([]);
  });

  it('lets each machine grow late on its own clock while nothing else happens', () => {
    expect(late(2.1, 'live')).toEqual(['B']);
  });

  it.each(['stale', 'failed'] as const)('believes nothing while the connection is %s', (phase) => {
    expect(late(0.1, phase)).toEqual(['A', 'B', 'C']);
  });

  it('believes nothing once it has heard nothing for too long, attempts or not', () => {
    expect(late(1, 'reconnecting')).toEqual([]);
    expect(late(3.1, 'reconnecting')).toEqual(['A', 'B', 'C']);
  });

  it("gives each machine the server's own limit for it", () => {
    const lateAt = (readSeconds: number) => {
      const view = buildView('A', 'running', { last_updated: at(readSeconds), stale_after_s: 30 });
      return [...findLateCodes(buildBoard(view), 'live', STALE_MS, instant(1))];
    };
    expect(lateAt(-20)).toEqual([]);
    expect(lateAt(-30 - AGE_GRACE_MS / 1_000)).toEqual(['A']);
  });
});

describe('getBoardAgeMs', () => {
  it('is the age of the oldest value that is shown as live', () => {
    expect(getBoardAgeMs(board, instant(0))).toBe(2_500);
  });
});
