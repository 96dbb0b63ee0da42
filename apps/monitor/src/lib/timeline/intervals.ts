/** Questions to intervals that tile a window. Pure; times in Unix ms. */
import { type Interval, SEVERITY } from '@/lib/timeline/model';

/** Return the index of the interval that holds `atMs`, or -1. */
export function findIndexAt(intervals: readonly Interval[], atMs: number): number {
  const index = findFirstEndingAfter(intervals, atMs);
  const found = intervals[index];
  return found !== undefined && found.beginMs <= atMs ? index : -1;
}

/** Return the index of the first interval that ends after `atMs`; the length where none does. */
export function findFirstEndingAfter(intervals: readonly Interval[], atMs: number): number {
  let low = 0;
  let high = intervals.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((intervals[middle]?.endMs ?? 0) > atMs) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Return the intervals of neighbouring windows as one list: what a border cut in two is joined. */
export function joinIntervals(parts: ReadonlyArray<readonly Interval[]>): readonly Interval[] {
  const joined: Interval[] = [];
  for (const part of parts) {
    for (const interval of part) {
      const last = joined.at(-1);
      const isSame =
        last !== undefined &&
        last.endMs === interval.beginMs &&
        last.status === interval.status &&
        last.reason === interval.reason;
      if (isSame) joined[joined.length - 1] = { ...last, endMs: interval.endMs };
      else joined.push(interval);
    }
  }
  return joined;
}

/** Return the part of `intervals` inside [startMs, endMs), cut at its borders. */
export function clipIntervals(
  intervals: readonly Interval[],
  startMs: number,
  endMs: number,
): readonly Interval[] {
  const clipped: Interval[] = [];
  for (let i = findFirstEndingAfter(intervals, startMs); i < intervals.length; i += 1) {
    const interval = intervals[i];
    if (interval === undefined || interval.beginMs >= endMs) break;
    const isInside = interval.beginMs >= startMs && interval.endMs <= endMs;
    clipped.push(
      isInside
        ? interval
        : {
            ...interval,
            beginMs: Math.max(startMs, interval.beginMs),
            endMs: Math.min(endMs, interval.endMs),
          },
    );
  }
  return clipped;
}

export interface Scale {
  readonly startMs: number;
  readonly msPerPx: number;
  readonly widthPx: number;
}

/** Draws [x0, x1) in one look. `interval` is the worst of what falls there. */
export type DrawRun = (x0: number, x1: number, interval: Interval) => void;

/**
 * Call `draw` for each run of pixels, left to right, without gap or overlap inside what is known.
 * Where several intervals share a pixel the worst of them has it: a fault of a second can be seen
 * in a week. So there are never more runs than pixels, however many intervals there are.
 */
export function eachRun(intervals: readonly Interval[], scale: Scale, draw: DrawRun): void {
  const { startMs, msPerPx, widthPx } = scale;
  let x0 = 0;
  let x1 = 0;
  let held: Interval | null = null;
  const first = findFirstEndingAfter(intervals, startMs);
  for (let i = first; i < intervals.length; i += 1) {
    const interval = intervals[i];
    if (interval === undefined) break;
    const left = Math.max(0, Math.floor((interval.beginMs - startMs) / msPerPx));
    if (left >= widthPx) break;
    const right = Math.min(
      widthPx,
      Math.max(left + 1, Math.floor((interval.endMs - startMs) / msPerPx)),
    );
    if (held === null || left >= x1) {
      if (held !== null) draw(x0, x1, held);
      [x0, x1, held] = [left, right, interval];
    } else if (SEVERITY[interval.status] > SEVERITY[held.status]) {
      // The worse one takes the shared pixel; what was held keeps those before it.
      if (left > x0) draw(x0, left, held);
      [x0, x1, held] = [left, Math.max(x1, right), interval];
    } else if (right > x1) {
      draw(x0, x1, held);
      [x0, x1, held] = [x1, right, interval];
    }
  }
  if (held !== null) draw(x0, x1, held);
}
