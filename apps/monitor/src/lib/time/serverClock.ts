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

/** An answer tells of the newest tick, which is this old at most while the server ticks. */
const ANSWER_AGE_MS = 1_500;
/** Two clocks do not drift apart by much meanwhile. */
const ANSWERS_KEPT_MS = 120_000;
const ANSWERS_MAX = 20;

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
 * Return the answers by which ticks are judged, with `answer` among them. Each says what time it was
 * at least when it came; one that was long under way says little, so that those of the last minutes
 * stay. Those that a later one contradicts are from before the server's clock was set. Pure.
 */
export function withAnswer(
  before: readonly Heard[],
  answer: Heard,
  askedAt: Instant,
): readonly Heard[] {
  const now = answer.receivedAt;
  const latestMs = answer.serverMs + now.monotonicMs - askedAt.monotonicMs + ANSWER_AGE_MS;
  const kept = before.filter(
    (each) =>
      now.monotonicMs - each.receivedAt.monotonicMs <= ANSWERS_KEPT_MS &&
      getLeastMs(each, now) <= latestMs,
  );
  return [...kept.slice(1 - ANSWERS_MAX), answer];
}

/**
 * Return whether what the server sent at `sentMs` by its clock comes too late to be the present, by
 * what it has `answered`: something between holds ticks back. It may have set its clock since, so
 * that it is to be asked again. Pure.
 */
export function isTooLate(sentMs: number, answered: readonly Heard[], now: Instant): boolean {
  return answered.some((each) => getLeastMs(each, now) - sentMs > LATE_FROM_MS);
}

/** What time it is at least; by the clock that cannot be stepped, which counts too little at worst. */
function getLeastMs(answer: Heard, now: Instant): number {
  return answer.serverMs + Math.max(0, now.monotonicMs - answer.receivedAt.monotonicMs);
}
