/** Durations and ages as the board writes them. Pure. */

/** The words a duration needs; they come from the language file. */
export interface DurationWords {
  readonly day: string;
  readonly hour: string;
  readonly minute: string;
  readonly second: string;
}

const MINUTE_S = 60;
const HOUR_S = 3_600;
const DAY_S = 86_400;

/**
 * Return a counting duration: "0:48", "12:04", "1:42:10", from a day on "2일 3시간". The digits
 * before a colon grow only when they must, so that nothing jumps between seconds.
 */
export function formatCounter(seconds: number, words: DurationWords): string {
  const s = Math.max(0, Math.floor(seconds));
  if (s >= DAY_S) {
    const days = Math.floor(s / DAY_S);
    const hours = Math.floor((s % DAY_S) / HOUR_S);
    return `${days}${words.day} ${hours}${words.hour}`;
  }
  const hours = Math.floor(s / HOUR_S);
  const minutes = Math.floor((s % HOUR_S) / MINUTE_S);
  const rest = pad(s % MINUTE_S);
  return hours > 0 ? `${hours}:${pad(minutes)}:${rest}` : `${minutes}:${rest}`;
}

/** Return a duration in words with its two largest units: "48초", "4분 12초", "1시간 42분". */
export function formatDuration(seconds: number, words: DurationWords): string {
  const s = Math.max(0, Math.floor(seconds));
  const units: ReadonlyArray<readonly [number, string]> = [
    [Math.floor(s / DAY_S), words.day],
    [Math.floor((s % DAY_S) / HOUR_S), words.hour],
    [Math.floor((s % HOUR_S) / MINUTE_S), words.minute],
    [s % MINUTE_S, words.second],
  ];
  const first = units.findIndex(([count]) => count > 0);
  if (first === -1) return `0${words.second}`;
  return units
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, word]) => `${count}${word}`)
    .join(' ');
}

/** Return an age for the header: milliseconds below a second, then "4.2 s", then whole seconds. */
export function formatAge(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 10_000) return `${(ms / 1_000).toFixed(1)} s`;
  if (ms < 2 * 60_000) return `${Math.round(ms / 1_000)} s`;
  if (ms < 2 * 3_600_000) return `${Math.round(ms / 60_000)} min`;
  return `${Math.round(ms / 3_600_000)} h`;
}

/** Return the Unix milliseconds of an ISO 8601 time, or null where there is none. */
export function parseTimeMs(time: string | null): number | null {
  if (time === null) return null;
  const ms = Date.parse(time);
  return Number.isNaN(ms) ? null : ms;
}

function pad(value: number): string {
  return String(value).padStart(2, '0');
}
