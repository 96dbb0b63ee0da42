/** The clock of a time zone: the plant's, wherever the screen hangs. Pure, but for what it remembers. */
import { getServerNowMs } from '@/lib/time/serverClock';

export interface Zone {
  /** Null: the screen's own. */
  readonly name: string | null;
  /** What to add to UTC at that moment, in ms. */
  readonly offsetMs: (utcMs: number) => number;
}

/** Rules change at whole quarters of an hour, so an offset holds for all of one. */
const QUARTER_MS = 15 * 60_000;
const DAY_MS = 24 * 3_600_000;
const REMEMBERED_MAX = 5_000;

/** Return the zone of an IANA name; the screen's own without one, or where the name is unknown. */
export function createZone(name: string | null): Zone {
  const format = createFormat(name);
  const remembered = new Map<number, number>();
  return {
    name: format.isNamed ? name : null,
    offsetMs: (utcMs) => {
      const quarter = Math.floor(utcMs / QUARTER_MS);
      const known = remembered.get(quarter);
      if (known !== undefined) return known;
      const offset = measureOffset(format.format, quarter * QUARTER_MS);
      if (remembered.size >= REMEMBERED_MAX) remembered.clear();
      remembered.set(quarter, offset);
      return offset;
    },
  };
}

/** Return the name of the plant's time zone, as a server gives it; null: the screen's own. */
export function namePlantZone(value: unknown): string | null {
  return typeof value === 'string' ? createZone(value).name : null;
}

/** Return the moment at which the zone's clock shows `localMs`; the earlier of two in autumn. */
export function toUtcMs(zone: Zone, localMs: number): number {
  const early = localMs - zone.offsetMs(localMs - 26 * 3_600_000);
  if (early + zone.offsetMs(early) === localMs) return early;
  const guess = localMs - zone.offsetMs(localMs);
  return localMs - zone.offsetMs(guess);
}

/** Return what the zone's clock shows, as the UTC ms of the same digits. */
export function toLocalMs(zone: Zone, utcMs: number): number {
  return utcMs + zone.offsetMs(utcMs);
}

/** Return "03:12" on the zone's clock. */
export function formatZoneMinute(zone: Zone, utcMs: number): string {
  return new Date(toLocalMs(zone, utcMs)).toISOString().slice(11, 16);
}

/** Return "03:12:05" on the zone's clock. */
export function formatZoneSecond(zone: Zone, utcMs: number): string {
  return new Date(toLocalMs(zone, utcMs)).toISOString().slice(11, 19);
}

/** Return "2026-11-24 03:12:05" on the zone's clock. */
export function formatZoneMoment(zone: Zone, utcMs: number): string {
  return new Date(toLocalMs(zone, utcMs)).toISOString().slice(0, 19).replace('T', ' ');
}

/** Return "03:12" of the day that the zone's calendar shows at `nowMs`, "11-24 03:12" of another. */
export function formatZoneNear(
  zone: Zone,
  utcMs: number,
  nowMs: number = getServerNowMs(),
): string {
  return formatZoneNearSecond(zone, utcMs, nowMs).slice(0, -3);
}

/** Return the same to the second: "03:12:05", or "11-24 03:12:05" of another day. */
export function formatZoneNearSecond(zone: Zone, utcMs: number, nowMs: number): string {
  const [at, now] = [formatZoneMoment(zone, utcMs), formatZoneMoment(zone, nowMs)];
  return at.slice(at.startsWith(now.slice(0, 10)) ? 11 : 5);
}

/** Return the midnight with which the zone's day at `utcMs` began. */
export function findMidnightMs(zone: Zone, utcMs: number): number {
  return toUtcMs(zone, Math.floor(toLocalMs(zone, utcMs) / DAY_MS) * DAY_MS);
}

/** Return whether the zone's clock shows what the screen's own shows at `utcMs`. */
export function isOnScreensClock(zone: Zone, utcMs: number): boolean {
  return zone.offsetMs(utcMs) === screensZone.offsetMs(utcMs);
}

/** Return the day that the zone's calendar shows, in words of `language`: "11월 24일 (화)". */
export function formatZoneDay(zone: Zone, utcMs: number, language: string): string {
  let format = dayFormats.get(language);
  if (format === undefined) {
    const locale = language === 'en' ? 'en-GB' : language;
    format = new Intl.DateTimeFormat(locale, {
      timeZone: 'UTC',
      month: 'short',
      day: 'numeric',
      weekday: 'short',
    });
    dayFormats.set(language, format);
  }
  return format.format(toLocalMs(zone, utcMs));
}

const screensZone = createZone(null);
const dayFormats = new Map<string, Intl.DateTimeFormat>();

function createFormat(name: string | null): { format: Intl.DateTimeFormat; isNamed: boolean } {
  const parts = {
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  } as const;
  try {
    if (name !== null) {
      const format = new Intl.DateTimeFormat('en-US', { ...parts, timeZone: name });
      return { format, isNamed: true };
    }
  } catch {
    // A browser older than the zone: its own clock is better than none.
  }
  return { format: new Intl.DateTimeFormat('en-US', parts), isNamed: false };
}

function measureOffset(format: Intl.DateTimeFormat, utcMs: number): number {
  const found: Record<string, number> = {};
  for (const { type, value } of format.formatToParts(utcMs)) found[type] = Number(value);
  const { year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = found;
  return Date.UTC(year, month - 1, day, hour, minute, second) - utcMs;
}
