/** One stretch of one status in words. Pure. */
import type { DurationWords } from '@/lib/time/format';
import { formatDuration } from '@/lib/time/format';
import { formatZoneMoment, formatZoneSecond, type Zone } from '@/lib/time/zone';
import type { Interval } from '@/lib/timeline/model';

export interface IntervalWords {
  readonly from: string;
  /** Null: it lasts. */
  readonly to: string | null;
  readonly duration: string;
}

/** What ends less than this before the present has not ended: the record is a little behind. */
const ONGOING_MS = 15_000;

/** Return from, to and duration of `interval` on the clock of `zone`. */
export function describeInterval(
  interval: Interval,
  zone: Zone,
  nowMs: number,
  words: DurationWords,
): IntervalWords {
  const { beginMs, endMs } = interval;
  const isOngoing = endMs >= nowMs - ONGOING_MS;
  const from = formatZoneMoment(zone, beginMs);
  const end = formatZoneMoment(zone, endMs);
  const isSameDay = from.slice(0, 10) === end.slice(0, 10);
  const lastedMs = Math.max(0, (isOngoing ? Math.max(endMs, nowMs) : endMs) - beginMs);
  return {
    from,
    to: isOngoing ? null : isSameDay ? formatZoneSecond(zone, endMs) : end,
    duration:
      lastedMs < 10_000
        ? `${(lastedMs / 1_000).toFixed(1)}${words.second}`
        : formatDuration(lastedMs / 1_000, words),
  };
}
