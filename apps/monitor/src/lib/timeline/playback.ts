/** The clock of the time machine: a pure reducer over the page's monotonic clock. Unix ms. */

export const SPEEDS = [1, 5, 20, 60, 120] as const;
export type Speed = (typeof SPEEDS)[number];

export interface Playback {
  readonly atMs: number;
  readonly speed: Speed;
  /** When it played last, on the monotonic clock; null while it stands. */
  readonly playedMs: number | null;
}

export type PlaybackEvent =
  | { readonly type: 'seek'; readonly atMs: number }
  | { readonly type: 'play'; readonly monotonicMs: number }
  | { readonly type: 'pause' }
  | { readonly type: 'speed'; readonly speed: Speed; readonly monotonicMs: number }
  | { readonly type: 'frame'; readonly monotonicMs: number; readonly latestMs: number };

/** A page that was hidden or asleep does not leap over what nobody has seen. */
const FRAME_MAX_MS = 1_000;

export function startPlayback(atMs: number): Playback {
  return { atMs, speed: 20, playedMs: null };
}

/** Return the playback after `event`; the same object when nothing changes. */
export function reducePlayback(state: Playback, event: PlaybackEvent): Playback {
  switch (event.type) {
    case 'seek':
      return event.atMs === state.atMs ? state : { ...state, atMs: event.atMs };
    case 'play':
      return state.playedMs === null ? { ...state, playedMs: event.monotonicMs } : state;
    case 'pause':
      return state.playedMs === null ? state : { ...state, playedMs: null };
    case 'speed':
      return { ...state, speed: event.speed };
    case 'frame': {
      if (state.playedMs === null) return state;
      const passedMs = Math.min(FRAME_MAX_MS, Math.max(0, event.monotonicMs - state.playedMs));
      const atMs = state.atMs + passedMs * state.speed;
      // The past ends where the present begins; there it stands, and is still the past.
      if (atMs >= event.latestMs) return { ...state, atMs: event.latestMs, playedMs: null };
      return { ...state, atMs, playedMs: event.monotonicMs };
    }
  }
}

/** Return the nearest of `times` after (+1) or before (-1) `atMs`, or null. */
export function findChange(
  times: Iterable<number>,
  atMs: number,
  direction: 1 | -1,
): number | null {
  let found: number | null = null;
  for (const time of times) {
    const isBeyond = direction === 1 ? time > atMs : time < atMs;
    if (!isBeyond) continue;
    if (found === null || (direction === 1 ? time < found : time > found)) found = time;
  }
  return found;
}
