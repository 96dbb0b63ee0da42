/** What follows from a board, its connection and the clocks. Pure, once the board knows the time. */
import { findLateCodes, getBoardAgeMs, isSameSet } from '@/lib/board/aging';
import type { Board } from '@/lib/board/board';
import type { Connection } from '@/lib/connection/connection';
import { elapsedMs, type Instant } from '@/lib/time/instant';
import { getServerNowMs } from '@/lib/time/serverClock';

/** Ticks come every second; one that is later than this is not waited for. */
export const TICK_DUE_MS = 1_500;
const DEFAULT_STALE_AFTER_MS = 3_000;
/** A tick is sent on the second, give or take this much. */
const TICK_JITTER_MS = 100;
/** The server's time runs backwards by more only when its clock was set. */
const BACKWARDS_MAX_S = 3;

export interface Judged {
  readonly lateCodes: ReadonlySet<string>;
  /** When the page began to disbelieve what it shows, server time. */
  readonly lateSinceMs: number | null;
  /** Server time in whole seconds; never runs backwards by a jitter. */
  readonly nowS: number;
  /** Age of the oldest data shown as live: at the newest tick, or now when ticks are missing. */
  readonly dataAgeMs: number | null;
}

export interface Evidence {
  readonly board: Board;
  readonly connection: Connection;
  readonly line: { readonly stale_after_s: number } | null;
}

/**
 * Return what is believed at `now`; identity is kept where nothing changed. While ticks come in time,
 * only a tick moves the seconds and the age, so that everything on the screen changes with it.
 */
export function judge(before: Judged & Evidence, evidence: Evidence, now: Instant): Judged {
  const { board, connection, line } = evidence;
  const staleAfterMs = (line?.stale_after_s ?? 0) * 1_000 || DEFAULT_STALE_AFTER_MS;
  const found = findLateCodes(board, connection.phase, staleAfterMs, now);
  const lateCodes = isSameSet(found, before.lateCodes) ? before.lateCodes : found;
  const nowMs = getServerMs(board, now);
  const isTicking = isTickFresh(board, now);
  const seenMs = isTicking && board.asOf !== null ? board.asOf.serverMs + TICK_JITTER_MS : nowMs;
  const seenS = Math.floor(seenMs / 1_000);
  const isSet = Math.abs(nowMs / 1_000 - before.nowS) >= BACKWARDS_MAX_S;
  const isNews = board.asOf !== before.board.asOf;
  return {
    lateCodes,
    lateSinceMs: lateCodes.size === 0 ? null : (before.lateSinceMs ?? nowMs),
    nowS: isSet ? seenS : Math.max(before.nowS, seenS),
    dataAgeMs: isTicking && !isNews ? before.dataAgeMs : getBoardAgeMs(board, now),
  };
}

/** Return whether the newest tick or answer is so young that the next tick is not overdue. */
export function isTickFresh(board: Board, now: Instant): boolean {
  return board.asOf !== null && elapsedMs(board.asOf.receivedAt, now) < TICK_DUE_MS;
}

function getServerMs(board: Board, now: Instant): number {
  if (board.asOf === null) return getServerNowMs(now);
  return board.asOf.serverMs + elapsedMs(board.asOf.receivedAt, now);
}
