import { describe, expect, it } from 'vitest';
import {
  findChange,
  type Playback,
  type PlaybackEvent,
  reducePlayback,
  SPEEDS,
  startPlayback,
} from '@/lib/timeline/playback';

const latestMs = 10_000_000;
const after = (state: Playback, ...events: PlaybackEvent[]): Playback =>
  events.reduce(reducePlayback, state);
const frame = (monotonicMs: number): PlaybackEvent => ({ type: 'frame', monotonicMs, latestMs });

describe('the clock of the time machine', () => {
  it('stands until it is played', () => {
    expect(after(startPlayback(1_000), frame(0), frame(500)).atMs).toBe(1_000);
  });

  it('runs at its speed, however unevenly frames come', () => {
    for (const speed of SPEEDS) {
      const state = after(
        startPlayback(0),
        { type: 'speed', speed, monotonicMs: 0 },
        { type: 'play', monotonicMs: 100 },
        ...[116, 133, 400, 401, 1_100].map(frame),
      );
      expect(state.atMs).toBe(1_000 * speed);
    }
  });

  it('does not count the time in which it stood', () => {
    const state = after(
      startPlayback(0),
      { type: 'speed', speed: 1, monotonicMs: 0 },
      { type: 'play', monotonicMs: 0 },
      frame(500),
      { type: 'pause' },
      { type: 'play', monotonicMs: 60_000 },
      frame(60_500),
    );
    expect(state.atMs).toBe(1_000);
  });

  it('does not leap over what a sleeping page has not shown', () => {
    const state = after(startPlayback(0), { type: 'play', monotonicMs: 0 }, frame(3_600_000));
    expect(state.atMs).toBe(20_000);
  });

  it('never runs backwards', () => {
    const state = after(startPlayback(5_000), { type: 'play', monotonicMs: 1_000 }, frame(900));
    expect(state.atMs).toBe(5_000);
  });

  it('stands where the past ends, and does not turn into the present', () => {
    const state = after(
      startPlayback(latestMs - 100),
      { type: 'play', monotonicMs: 0 },
      frame(1_000),
    );
    expect(state).toMatchObject({ atMs: latestMs, playedMs: null });
  });
});

describe('stepping by change', () => {
  const times = [30, 10, 20, 10];

  it('finds the nearest on either side, and never stays where it is', () => {
    expect(findChange(times, 10, 1)).toBe(20);
    expect(findChange(times, 20, -1)).toBe(10);
    expect(findChange(times, 5, 1)).toBe(10);
  });

  it('finds none beyond the last', () => {
    expect(findChange(times, 30, 1)).toBeNull();
    expect(findChange(times, 10, -1)).toBeNull();
  });
});
