/** Where each lane is drawn, and what is under a finger. Pure; lengths in CSS pixels. */
import { findIndexAt } from '@/lib/timeline/intervals';
import type { Interval } from '@/lib/timeline/model';
import type { Viewport } from '@/lib/timeline/viewport';

export interface LaneLayout {
  readonly count: number;
  readonly rowPx: number;
  /** From the top of a row to its bar. */
  readonly barTopPx: number;
  readonly barPx: number;
  readonly totalPx: number;
  /** On a phone the name is written above the bar, not beside it. */
  readonly isNarrow: boolean;
}

const ROW_MIN_PX = 26;
const ROW_MAX_PX = 56;
const NARROW_ROW_PX = 50;
const NARROW_NAME_PX = 19;
const NARROW_PX = 640;

/** Return the rows that fill `heightPx`; they scroll where they would become too low to read. */
export function layOutLanes(
  count: number,
  size: { readonly widthPx: number; readonly heightPx: number },
): LaneLayout {
  if (size.widthPx < NARROW_PX) {
    const barPx = NARROW_ROW_PX - NARROW_NAME_PX - 6;
    return {
      count,
      rowPx: NARROW_ROW_PX,
      barTopPx: NARROW_NAME_PX,
      barPx,
      totalPx: count * NARROW_ROW_PX,
      isNarrow: true,
    };
  }
  const fair = Math.floor(size.heightPx / Math.max(1, count));
  const rowPx = Math.min(ROW_MAX_PX, Math.max(ROW_MIN_PX, fair));
  const barTopPx = Math.max(3, Math.round(rowPx * 0.12));
  return {
    count,
    rowPx,
    barTopPx,
    barPx: rowPx - 2 * barTopPx,
    totalPx: count * rowPx,
    isNarrow: false,
  };
}

/** Return the first and last lane, inclusive, that can be seen; last < first where none can. */
export function getVisibleLanes(
  layout: LaneLayout,
  scrollTopPx: number,
  heightPx: number,
): { readonly first: number; readonly last: number } {
  const first = Math.max(0, Math.floor(scrollTopPx / layout.rowPx));
  const last = Math.min(layout.count, Math.ceil((scrollTopPx + heightPx) / layout.rowPx)) - 1;
  return { first, last };
}

/** Return the lane at `yPx` from the top of the first, or -1. */
export function getLaneAt(layout: LaneLayout, yPx: number): number {
  const lane = Math.floor(yPx / layout.rowPx);
  return yPx >= 0 && lane < layout.count ? lane : -1;
}

export function toMs(viewport: Viewport, xPx: number, widthPx: number): number {
  return viewport.startMs + (xPx / Math.max(1, widthPx)) * (viewport.endMs - viewport.startMs);
}

export function toPx(viewport: Viewport, atMs: number, widthPx: number): number {
  return ((atMs - viewport.startMs) / (viewport.endMs - viewport.startMs)) * widthPx;
}

/**
 * Return the interval that a pointer at `xPx` means: the one there, or a short one that is drawn
 * as one pixel and lies within `reachPx`.
 */
export function hitInterval(
  intervals: readonly Interval[],
  viewport: Viewport,
  xPx: number,
  widthPx: number,
  reachPx: number,
): Interval | null {
  const atMs = toMs(viewport, xPx, widthPx);
  const index = findIndexAt(intervals, atMs);
  const msPerPx = (viewport.endMs - viewport.startMs) / Math.max(1, widthPx);
  const here = intervals[index];
  if (here !== undefined && here.endMs - here.beginMs >= 2 * msPerPx) {
    // Between two long ones a short one is easily missed: look a finger's width around.
    for (const neighbour of [intervals[index - 1], intervals[index + 1]]) {
      if (neighbour === undefined) continue;
      const isShort = neighbour.endMs - neighbour.beginMs < 2 * msPerPx;
      const middleMs = (neighbour.beginMs + neighbour.endMs) / 2;
      if (isShort && Math.abs(middleMs - atMs) <= reachPx * msPerPx) return neighbour;
    }
  }
  return here ?? null;
}
