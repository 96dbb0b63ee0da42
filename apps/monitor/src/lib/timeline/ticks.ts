/** The time axis: where its marks are and what they say, on the plant's clock. Pure. */
import {
  formatZoneDay,
  formatZoneMinute,
  formatZoneSecond,
  toLocalMs,
  toUtcMs,
  type Zone,
} from '@/lib/time/zone';

export interface Tick {
  readonly atMs: number;
  /** Empty for a mark without words. */
  readonly label: string;
}

export interface DayMark {
  /** Where the day begins, or where it is first seen. */
  readonly atMs: number;
  readonly endMs: number;
  readonly label: string;
  /** False for the day that had begun before the window. */
  readonly isBorder: boolean;
}

export interface Axis {
  readonly ticks: readonly Tick[];
  readonly days: readonly DayMark[];
}

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Steps that people count in; each divides a day. */
const STEPS_MS = [
  ...[1, 2, 5, 10, 15, 30].map((count) => count * SECOND_MS),
  ...[1, 2, 5, 10, 15, 30].map((count) => count * MINUTE_MS),
  ...[1, 2, 3, 6, 12, 24].map((count) => count * HOUR_MS),
];
const TICKS_MAX = 200;

/** Return the shortest step at which words of `labelPx` do not touch. */
export function chooseStepMs(msPerPx: number, labelPx: number): number {
  return STEPS_MS.find((stepMs) => stepMs / msPerPx >= labelPx) ?? DAY_MS;
}

/** Return the marks of [startMs, endMs). Midnight has no time of its own: its day is written below. */
export function buildAxis(
  window: { readonly startMs: number; readonly endMs: number; readonly widthPx: number },
  zone: Zone,
  language: string,
  labelPx: number,
): Axis {
  const { startMs, endMs, widthPx } = window;
  const msPerPx = (endMs - startMs) / Math.max(1, widthPx);
  const stepMs = chooseStepMs(msPerPx, labelPx);
  const write = stepMs < MINUTE_MS ? formatZoneSecond : formatZoneMinute;
  const times = stepMs >= DAY_MS ? [] : listLocal(startMs, endMs, stepMs, zone);
  return {
    ticks: times.map((atMs) => ({ atMs, label: write(zone, atMs) })),
    days: listDays(startMs, endMs, zone, language),
  };
}

function listDays(
  startMs: number,
  endMs: number,
  zone: Zone,
  language: string,
): readonly DayMark[] {
  const borders = listLocal(startMs, endMs, DAY_MS, zone);
  const starts = borders[0] === startMs ? borders : [startMs, ...borders];
  return starts.map((atMs, index) => ({
    atMs,
    endMs: starts[index + 1] ?? endMs,
    label: formatZoneDay(zone, atMs, language),
    isBorder: borders.includes(atMs),
  }));
}

/** Return the moments in [startMs, endMs) at which the zone's clock shows multiples of `stepMs`. */
function listLocal(startMs: number, endMs: number, stepMs: number, zone: Zone): readonly number[] {
  const found: number[] = [];
  const firstLocalMs = Math.floor(toLocalMs(zone, startMs) / stepMs) * stepMs;
  for (let count = 0; count < TICKS_MAX; count += 1) {
    const localMs = firstLocalMs + count * stepMs;
    const atMs = toUtcMs(zone, localMs);
    if (atMs >= endMs) break;
    const isAfter = atMs > (found.at(-1) ?? Number.NEGATIVE_INFINITY);
    // An hour that spring leaves out is on no clock.
    if (atMs >= startMs && isAfter && toLocalMs(zone, atMs) === localMs) found.push(atMs);
  }
  return found;
}
