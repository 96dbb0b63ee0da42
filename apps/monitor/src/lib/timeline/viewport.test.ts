import { describe, expect, it } from 'vitest';
import {
  centreOn,
  DAY_MS,
  endAtNow,
  isFollowing,
  panBy,
  SPAN_MAX_MS,
  SPAN_MIN_MS,
  zoomAt,
} from '@/lib/timeline/viewport';

const nowMs = Date.parse('2026-11-24T03:00:00Z');
const limits = { nowMs, earliestMs: nowMs - 40 * DAY_MS };
const past = { startMs: nowMs - 5 * DAY_MS, endMs: nowMs - 4 * DAY_MS };

describe('the window', () => {
  it('leaves the moment under the pointer where it is', () => {
    const anchorMs = past.startMs + DAY_MS / 4;
    const closer = zoomAt(past, anchorMs, 0.5, limits);
    expect(closer.endMs - closer.startMs).toBe(DAY_MS / 2);
    expect((anchorMs - closer.startMs) / (closer.endMs - closer.startMs)).toBeCloseTo(0.25);
  });

  it('is never shorter than a minute or longer than a month', () => {
    let viewport = past;
    for (let i = 0; i < 60; i += 1) viewport = zoomAt(viewport, past.startMs, 0.5, limits);
    expect(viewport.endMs - viewport.startMs).toBe(SPAN_MIN_MS);
    for (let i = 0; i < 60; i += 1) viewport = zoomAt(viewport, past.startMs, 2, limits);
    expect(viewport.endMs - viewport.startMs).toBe(SPAN_MAX_MS);
  });

  it('does not go into the future, and follows the present once it is there', () => {
    expect(isFollowing(past, nowMs)).toBe(false);
    const latest = panBy(past, 100 * DAY_MS, limits);
    expect(latest).toEqual(endAtNow(DAY_MS, nowMs));
    expect(isFollowing(latest, nowMs)).toBe(true);
  });

  it('does not go before all that can be known', () => {
    expect(panBy(past, -100 * DAY_MS, limits).startMs).toBe(limits.earliestMs);
  });

  it('keeps its length where nothing older is known than the window is long', () => {
    const young = { nowMs, earliestMs: nowMs - 60_000 };
    expect(panBy(endAtNow(DAY_MS, nowMs), -DAY_MS, young)).toEqual(endAtNow(DAY_MS, nowMs));
  });

  it('comes to a moment', () => {
    const atMs = nowMs - 10 * DAY_MS;
    expect(centreOn(past, atMs, limits)).toEqual({
      startMs: atMs - DAY_MS / 2,
      endMs: atMs + DAY_MS / 2,
    });
  });
});
