/**
 * What time it is: by the server's clock, never by the screen's. "Now", "today" and every window
 * that ends now ask here, so that a screen whose clock is wrong shows and takes along what all others
 * do. How old something is does not: ages are measured, see `instant.ts`.
 */
import { elapsedMs, type Instant, readClocks } from '@/lib/time/instant';

interface Heard {
  readonly serverMs: number;
  readonly receivedAt: Instant;
}

/** A screen's clock is called wrong from here on: below, networks and second hands may differ. */
const WRONG_FROM_MS = 60_000;
const MINUTE_MS = 60_000;

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
