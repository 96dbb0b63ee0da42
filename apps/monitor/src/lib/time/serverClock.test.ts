import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Instant } from '@/lib/time/instant';

const YEAR_MS = 365 * 86_400_000;
const SERVER_MS = Date.UTC(2026, 10, 30, 8, 30);
const at = (seconds: number, wallMs: number): Instant => ({
  monotonicMs: 5_000 + seconds * 1_000,
  wallMs: wallMs + seconds * 1_000,
});

/** The clock of a page that has just been opened. */
async function open() {
  vi.resetModules();
  return import('@/lib/time/serverClock');
}

describe("the server's clock", () => {
  let clock: Awaited<ReturnType<typeof open>>;
  beforeEach(async () => {
    clock = await open();
  });

  it.each([
    ['right', 0],
    ['three days behind', -3 * 86_400_000],
    ['a year ahead', YEAR_MS],
  ])('says what now is on a screen whose own clock is %s', (_, aheadMs) => {
    clock.hearServerClock(SERVER_MS, at(0, SERVER_MS + aheadMs));
    expect(clock.getServerNowMs(at(0, SERVER_MS + aheadMs))).toBe(SERVER_MS);
    expect(clock.getServerNowMs(at(90, SERVER_MS + aheadMs))).toBe(SERVER_MS + 90_000);
  });

  it('follows when it is set', () => {
    clock.hearServerClock(SERVER_MS, at(0, SERVER_MS));
    clock.hearServerClock(SERVER_MS - 3_600_000, at(1, SERVER_MS));
    expect(clock.getServerNowMs(at(2, SERVER_MS))).toBe(SERVER_MS - 3_600_000 + 1_000);
  });

  it('does not run back when the clock of the screen is set back', () => {
    clock.hearServerClock(SERVER_MS, at(0, SERVER_MS));
    expect(clock.getServerNowMs(at(10, SERVER_MS - YEAR_MS))).toBe(SERVER_MS + 10_000);
  });

  it('is not moved by what is no time', () => {
    clock.hearServerClock(SERVER_MS, at(0, SERVER_MS));
    clock.hearServerClock(Number.NaN, at(1, SERVER_MS));
    expect(clock.getServerNowMs(at(1, SERVER_MS))).toBe(SERVER_MS + 1_000);
  });

  it.each([
    [0, null],
    [59_999, null],
    [-59_999, null],
    [60_000, 60_000],
    [-3 * 86_400_000 + 400, -3 * 86_400_000],
    [YEAR_MS, YEAR_MS],
  ])('finds a screen that is %d ms ahead to be %s off', (aheadMs, found) => {
    const receivedAt = at(0, SERVER_MS + aheadMs);
    expect(clock.getScreenAheadMs({ serverMs: SERVER_MS, receivedAt })).toBe(found);
  });

  it('says nothing of a screen that has heard nothing', () => {
    expect(clock.getScreenAheadMs(null)).toBeNull();
  });

  it.each([
    ['as it should', 10, 9_500, false],
    ['two seconds late', 10, 7_500, false],
    ['four seconds late', 10, 6_000, true],
    ['late in the second of the answer', 0, -3_500, true],
    ['from after the answer', 0, 2_000, false],
  ])('knows a tick that comes %s', (_, seconds, sentAfterMs, isLate) => {
    const answered = [{ serverMs: SERVER_MS, receivedAt: at(0, SERVER_MS) }];
    const now = at(seconds, SERVER_MS);
    expect(clock.isTooLate(SERVER_MS + sentAfterMs, answered, now)).toBe(isLate);
    expect(clock.isTooLate(SERVER_MS + sentAfterMs, [], now)).toBe(false);
  });

  /** What was answered at so many seconds, having been under way for `tookS` after it was sent. */
  const answer = (sentS: number, tookS: number, aheadMs = 0) => ({
    serverMs: SERVER_MS + sentS * 1_000 + aheadMs,
    receivedAt: at(sentS + tookS, SERVER_MS),
  });

  it('is not taken for slower by an answer that was long under way', () => {
    const quick = clock.withAnswer([], answer(0, 0.1), at(0, SERVER_MS));
    const both = clock.withAnswer(quick, answer(10, 8), at(10, SERVER_MS));
    expect(clock.isTooLate(SERVER_MS + 12_000, both, at(18, SERVER_MS))).toBe(true);
    expect(clock.isTooLate(SERVER_MS + 12_000, both.slice(1), at(18, SERVER_MS))).toBe(false);
  });

  it.each([
    ['an hour', -3_600_000],
    ['two seconds', -2_000],
  ])('calls no tick late after it was set back by %s, once it has answered', (_, aheadMs) => {
    const before = clock.withAnswer([], answer(0, 0.1), at(0, SERVER_MS));
    const after = clock.withAnswer(before, answer(10, 0.1, aheadMs), at(10, SERVER_MS));
    const sentMs = SERVER_MS + 11_000 + aheadMs;
    expect(clock.isTooLate(sentMs, after, at(11.2, SERVER_MS))).toBe(false);
  });

  it('forgets what was answered minutes ago, and keeps no more than some answers', () => {
    let kept = clock.withAnswer([], answer(0, 0.1), at(0, SERVER_MS));
    kept = clock.withAnswer(kept, answer(130, 0.1), at(130, SERVER_MS));
    expect(kept).toEqual([answer(130, 0.1)]);
    for (let second = 131; second < 231; second += 1) {
      kept = clock.withAnswer(kept, answer(second, 0.1), at(second, SERVER_MS));
    }
    expect(kept).toHaveLength(20);
    expect(kept.at(-1)).toEqual(answer(230, 0.1));
  });

  it('calls no tick late because the clock of the screen is set', () => {
    const answered = [{ serverMs: SERVER_MS, receivedAt: at(0, SERVER_MS) }];
    expect(clock.isTooLate(SERVER_MS + 10_000, answered, at(10, SERVER_MS + YEAR_MS))).toBe(false);
    expect(clock.isTooLate(Number.NaN, answered, at(10, SERVER_MS))).toBe(false);
  });
});
