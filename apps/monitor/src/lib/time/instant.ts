/** One moment on the page's two clocks. */

/**
 * `performance.now()` cannot be stepped but stands still while some systems sleep; the wall clock
 * runs through sleep but can be stepped. Neither alone is enough to say that data is old.
 */
export interface Instant {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

/** Ask both clocks. */
export function readClocks(): Instant {
  return { monotonicMs: performance.now(), wallMs: Date.now() };
}

/** Return the milliseconds from `from` to `now`: the longer of the two answers, never below 0. */
export function elapsedMs(from: Instant, now: Instant): number {
  return Math.max(0, now.monotonicMs - from.monotonicMs, now.wallMs - from.wallMs);
}
