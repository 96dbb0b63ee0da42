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
    const answered = { serverMs: SERVER_MS, receivedAt: at(0, SERVER_MS) };
    const now = at(seconds, SERVER_MS);
    expect(clock.isTooLate(SERVER_MS + sentAfterMs, answered, now)).toBe(isLate);
    expect(clock.isTooLate(SERVER_MS + sentAfterMs, null, now)).toBe(false);
  });

  it('calls no tick late because the clock of the screen is set', () => {
    const answered = { serverMs: SERVER_MS, receivedAt: at(0, SERVER_MS) };
    expect(clock.isTooLate(SERVER_MS + 10_000, answered, at(10, SERVER_MS + YEAR_MS))).toBe(false);
    expect(clock.isTooLate(Number.NaN, answered, at(10, SERVER_MS))).toBe(false);
  });
});
