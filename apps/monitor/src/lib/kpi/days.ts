/** Days of the plant as REST writes them, "2026-11-25", and times by the plant's clock. Pure. */

const DAY_MS = 86_400_000;

/** Return the day `count` days after `day`. */
export function addDays(day: string, count: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + count * DAY_MS).toISOString().slice(0, 10);
}

/** Return whether `text` is a day of the calendar. */
export function isDay(text: string | null): text is string {
  if (text === null || !/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const ms = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text);
}

/** Return the day at Unix time `ms` by the clock of `timeZone`; by the screen's without one. */
export function dayOf(ms: number, timeZone?: string): string {
  const parts = partsOf(ms, timeZone);
  return `${parts['year']}-${parts['month']}-${parts['day']}`;
}

/** Return "10:30" by the clock of `timeZone`. */
export function timeOf(ms: number, timeZone?: string): string {
  const parts = partsOf(ms, timeZone);
  return `${parts['hour']}:${parts['minute']}`;
}

/** Return "10:30:45" by the clock of `timeZone`. */
export function clockOf(ms: number, timeZone?: string): string {
  const parts = partsOf(ms, timeZone);
  return `${parts['hour']}:${parts['minute']}:${parts['second']}`;
}

/** Return "11-25 10:30" by the clock of `timeZone`. */
export function dateTimeOf(ms: number, timeZone?: string): string {
  const parts = partsOf(ms, timeZone);
  return `${parts['month']}-${parts['day']} ${parts['hour']}:${parts['minute']}`;
}

/**
 * Return when something ended that began at `beginMs`: "10:30", or "11-26 10:30" where it began on
 * another day of `timeZone`, so that what lasted over midnight never reads as over on the day it began.
 *
 * @param write the time of day: `clockOf` for seconds.
 */
export function endTimeOf(
  beginMs: number,
  endMs: number,
  timeZone?: string,
  write: typeof timeOf = timeOf,
): string {
  const [day, time] = [dayOf(endMs, timeZone), write(endMs, timeZone)];
  return day === dayOf(beginMs, timeZone) ? time : `${day.slice(5)} ${time}`;
}

/** Return "2026-11-25T10:30" by the clock of `timeZone`, as a field for date and time wants it. */
export function localOf(ms: number, timeZone?: string): string {
  return `${dayOf(ms, timeZone)}T${timeOf(ms, timeZone)}`;
}

/**
 * Return the Unix ms at which the clock of `timeZone` shows `local` ("2026-11-25T10:30", seconds
 * may follow). In the hour that a clock leaves out it is the moment after; null: no such time.
 */
export function parseLocalMs(local: string, timeZone?: string): number | null {
  const wantedMs = Date.parse(`${local}${local.length === 16 ? ':00' : ''}Z`);
  if (Number.isNaN(wantedMs)) return null;
  // The offset at the wanted moment is not known before the moment is: look, correct, look again.
  let ms = wantedMs;
  for (let round = 0; round < 2; round += 1) ms = wantedMs - offsetMs(ms, timeZone);
  return ms;
}

/** Return the day of `nowMs` from midnight to midnight by the clock of `timeZone`. */
export function dayWindow(nowMs: number, timeZone?: string): { from: string; to: string } {
  const day = dayOf(nowMs, timeZone);
  const at = (midnight: string): string =>
    new Date(parseLocalMs(`${midnight}T00:00`, timeZone) ?? nowMs).toISOString();
  return { from: at(day), to: at(addDays(day, 1)) };
}

function offsetMs(ms: number, timeZone?: string): number {
  const shown = `${dayOf(ms, timeZone)}T${clockOf(ms, timeZone)}Z`;
  return Date.parse(shown) - Math.floor(ms / 1_000) * 1_000;
}

/** Return "2026년 11월 25일 (수)" or "Wed 25 Nov 2026". */
export function formatDay(day: string, language: string): string {
  const format = new Intl.DateTimeFormat(language === 'ko' ? 'ko-KR' : 'en-GB', {
    year: 'numeric',
    month: language === 'ko' ? 'long' : 'short',
    day: 'numeric',
    weekday: 'short',
    timeZone: 'UTC',
  });
  return format.format(Date.parse(`${day}T00:00:00Z`));
}

const formats = new Map<string, Intl.DateTimeFormat>();

function partsOf(ms: number, timeZone = ''): Readonly<Record<string, string>> {
  let format = formats.get(timeZone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-GB', {
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      hourCycle: 'h23',
      ...(timeZone === '' ? {} : { timeZone }),
    });
    formats.set(timeZone, format);
  }
  return Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, value]));
}
