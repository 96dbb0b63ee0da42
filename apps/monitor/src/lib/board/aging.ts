/** How old each machine's data is, and whether it is too old to be believed. Pure. */
import type { Board } from '@/lib/board/board';
import { type Phase, SILENCE_STALE_MS } from '@/lib/connection/connection';
import { elapsedMs, type Instant } from '@/lib/time/instant';

/**
 * The server says `disconnected` at its own threshold; the page waits this much longer, for the
 * tick to come round and arrive, before it stops believing on its own account.
 */
export const AGE_GRACE_MS = 1_500;

/** Return the age of one machine's data in ms: server time up to the receipt, page time since. */
export function getAgeMs(board: Board, code: string, now: Instant): number | null {
  const lastUpdatedMs = board.lastUpdatedMs.get(code) ?? null;
  if (board.asOf === null || lastUpdatedMs === null) return null;
  const ageAtReceiptMs = Math.max(0, board.asOf.serverMs - lastUpdatedMs);
  return ageAtReceiptMs + elapsedMs(board.asOf.receivedAt, now);
}

/** Return the age of the oldest data that is still shown as live, or null when none is. */
export function getBoardAgeMs(board: Board, now: Instant): number | null {
  let oldest: number | null = null;
  for (const machine of board.machines.values()) {
    if (!machine.tags.connection) continue;
    const age = getAgeMs(board, machine.code, now);
    if (age !== null && (oldest === null || age > oldest)) oldest = age;
  }
  return oldest;
}

/**
 * Return the machines of which the page no longer believes what it was last told: all of them while
 * it cannot hear, else those that are past their own limit although the server calls them connected.
 * `staleAfterMs` stands in for a machine's own limit until REST has told it.
 */
export function findLateCodes(
  board: Board,
  phase: Phase,
  staleAfterMs: number,
  now: Instant,
): ReadonlySet<string> {
  const late = new Set<string>();
  const isDeaf = isPageDeaf(board, phase, now);
  for (const machine of board.machines.values()) {
    if (isDeaf) late.add(machine.code);
    if (isDeaf || !machine.tags.connection) continue;
    const limitMs = (machine.staleAfterMs ?? staleAfterMs) + AGE_GRACE_MS;
    const ageMs = getAgeMs(board, machine.code, now);
    if (ageMs === null || ageMs > limitMs) late.add(machine.code);
  }
  return late;
}

function isPageDeaf(board: Board, phase: Phase, now: Instant): boolean {
  if (phase === 'stale' || phase === 'failed') return true;
  return board.asOf !== null && elapsedMs(board.asOf.receivedAt, now) > SILENCE_STALE_MS;
}

/** Return whether both sets hold the same codes. */
export function isSameSet(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  if (a.size !== b.size) return false;
  for (const item of a) if (!b.has(item)) return false;
  return true;
}
