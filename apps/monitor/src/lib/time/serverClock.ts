/**
 * What time it is: by the server's clock, never by the screen's. "Now", "today" and every window
 * that ends now ask here, so that a screen whose clock is wrong shows and takes along what all others
 * do. How old something is does not: ages are measured, see `instant.ts`.
 */
import { elapsedMs, type Instant, readClocks } from '@/lib/time/instant';

export interface Heard {
  readonly serverMs: number;
  readonly receivedAt: Instant;
}

/** A screen's clock is called wrong from here on: below, networks and second hands may differ. */
const WRONG_FROM_MS = 60_000;
const MINUTE_MS = 60_000;

/** A tick that is later than this is of the past; a socket that is silent for as long is stale. */
const LATE_FROM_MS = 3_000;

let heard: Heard | null = null;

/** Take in what the server's clock showed when it sent something. */
export function hearServerClock(serverMs: number, receivedAt: Instant): void {
  if (Number.isFinite(serverMs)) heard = { serverMs, receivedAt };
}

/** Return Unix ms by the server's clock; by the screen's only while no server was heard at all. */
export function getServerNowMs(now: Instant = readClocks()): number {
  return heard === null ? now.wallMs : heard.serverMs + elapsedMs(heard.receivedAt, now);
}

/**
 * Return how far the screen's clock is ahead of the server's, in whole minutes as ms, negative where
 * it is behind; null while that is little. Pure.
 */
export function getScreenAheadMs(lastHeard: Heard | null): number | null {
  if (lastHeard === null) return null;
  const aheadMs = lastHeard.receivedAt.wallMs - lastHeard.serverMs;
  return Math.abs(aheadMs) < WRONG_FROM_MS ? null : Math.round(aheadMs / MINUTE_MS) * MINUTE_MS;
}

/**
 * Return whether what the server sent at `sentMs` by its clock comes too late to be the present, by
 * what it has `answered` last: something between holds ticks back. It may have set its clock since,
 * so that it is to be asked again. Null: nothing was answered yet. Pure.
 */
export function isTooLate(sentMs: number, answered: Heard | null, now: Instant): boolean {
  if (answered === null) return false;
  // By the clock that cannot be stepped alone: it may count too little, which accuses nobody.
  const sinceMs = Math.max(0, now.monotonicMs - answered.receivedAt.monotonicMs);
  return answered.serverMs + sinceMs - sentMs > LATE_FROM_MS;
}
