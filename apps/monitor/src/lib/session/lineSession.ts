/**
 * One line, live: joins the socket, REST and the clocks into one store for `useSyncExternalStore`.
 * What the pieces mean is decided in `lib/board` and `lib/connection`; here they only meet.
 */
import { findLateCodes, getBoardAgeMs, isSameSet } from '@/lib/board/aging';
import {
  type Board,
  emptyBoard,
  foldChanges,
  foldEquipment,
  foldPlcs,
  foldTick,
} from '@/lib/board/board';
import { type Connection, initialConnection } from '@/lib/connection/connection';
import { MonitorSocket } from '@/lib/connection/monitorSocket';
import type { Rest } from '@/lib/rest/rest';
import { elapsedMs, type Instant, readClocks } from '@/lib/time/instant';
import type { EquipmentStatusMessage, LineView, ServerView } from '@/lib/types/generated';

/** The clocks are looked at this often; seconds on the screen change with the server's. */
const CLOCK_PERIOD_MS = 250;
/** A gap this long between two looks means that the machine, or the tab, was asleep. */
const ASLEEP_MS = 5_000;
const REFETCH_MIN_MS = 100;
const REFETCH_MAX_MS = 900;
/** Each failed question doubles the wait before the next, up to so many times. */
const REFETCH_DOUBLINGS_MAX = 4;
/** Even when nothing changes: PLC health moves, and a missed answer is made good. */
const REFRESH_MS = 60_000;
const DEFAULT_STALE_AFTER_MS = 3_000;

export interface SessionState {
  readonly board: Board;
  readonly connection: Connection;
  readonly lateCodes: ReadonlySet<string>;
  /** When the page began to disbelieve what it shows, server time. */
  readonly lateSinceMs: number | null;
  readonly server: ServerView | null;
  readonly lines: readonly LineView[];
  readonly line: LineView | null;
  /** Server time in whole seconds; never runs backwards by a jitter. */
  readonly nowS: number;
  /** Age of the oldest data shown as live: at the newest tick, or now when ticks are missing. */
  readonly dataAgeMs: number | null;
  readonly malformedCount: number;
}

export interface LineSessionOptions {
  readonly socketUrl: string;
  /** Null: the default line. */
  readonly lineId: string | null;
  readonly rest: Rest;
}

export class LineSession {
  readonly #options: LineSessionOptions;
  readonly #socket: MonitorSocket;
  readonly #listeners = new Set<() => void>();
  #state: SessionState;
  #stopped = new AbortController();
  #clockTimer: ReturnType<typeof setInterval> | undefined;
  #refetchTimer: ReturnType<typeof setTimeout> | undefined;
  #lookedAt: Instant = readClocks();
  #refetchedAt: Instant = readClocks();
  #isRefetching = false;
  #isHistoryDue = true;
  #failedRefetches = 0;

  constructor(options: LineSessionOptions) {
    this.#options = options;
    this.#state = {
      board: emptyBoard,
      connection: initialConnection,
      lateCodes: new Set(),
      lateSinceMs: null,
      server: null,
      lines: [],
      line: null,
      nowS: Math.floor(Date.now() / 1_000),
      dataAgeMs: null,
      malformedCount: 0,
    };
    this.#socket = new MonitorSocket({
      url: options.socketUrl,
      askHealth: () => this.#askHealth(),
      onConnection: (connection) => this.#onConnection(connection),
      onTick: (message, receivedAt) => this.#onTick(message, receivedAt),
      onMalformed: () => this.#update({ malformedCount: this.#state.malformedCount + 1 }),
    });
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly getState = (): SessionState => this.#state;

  readonly reconnect = (): void => this.#socket.startOver();

  readonly dismissNotice = (): void => this.#socket.dismissNotice();

  start(): void {
    this.#stopped = new AbortController();
    const { signal } = this.#stopped;
    this.#lookedAt = readClocks();
    this.#isHistoryDue = true;
    this.#clockTimer = setInterval(() => this.#look(), CLOCK_PERIOD_MS);
    const wake = (): void => {
      if (document.visibilityState === 'visible') this.#wake();
    };
    document.addEventListener('visibilitychange', wake, { signal });
    window.addEventListener('online', wake, { signal });
    window.addEventListener('pageshow', wake, { signal });
    this.#socket.start();
    void this.#refetch();
  }

  stop(): void {
    this.#stopped.abort();
    clearInterval(this.#clockTimer);
    clearTimeout(this.#refetchTimer);
    this.#refetchTimer = undefined;
    this.#socket.stop();
  }

  #onTick(message: EquipmentStatusMessage, receivedAt: Instant): void {
    const before = this.#state.board;
    const { board, changedCodes } = foldTick(before, message, receivedAt);
    this.#update({ board, ...this.#judge(board, this.#state.connection, receivedAt) });
    const isReasonMissing = changedCodes.length > 0;
    if (isReasonMissing || board.order !== before.order) this.#refetchSoon();
  }

  #onConnection(connection: Connection): void {
    const wasLive = this.#state.connection.phase === 'live';
    const now = readClocks();
    this.#update({ connection, ...this.#judge(this.#state.board, connection, now) });
    if (connection.phase === 'live' && !wasLive) {
      this.#isHistoryDue = true;
      this.#refetchSoon();
    }
  }

  /** Look at the clocks: count seconds, age the data, notice silence and sleep. */
  #look(): void {
    const now = readClocks();
    const wasAsleep = elapsedMs(this.#lookedAt, now) > ASLEEP_MS;
    this.#lookedAt = now;
    this.#socket.checkSilence(now);
    const { board, connection } = this.#state;
    this.#update(this.#judge(board, connection, now));
    if (wasAsleep) this.#wake();
    if (elapsedMs(this.#refetchedAt, now) > REFRESH_MS) this.#refetchSoon();
  }

  #wake(): void {
    const now = readClocks();
    // Gray first: what is shown was true before the sleep.
    this.#update(this.#judge(this.#state.board, this.#state.connection, now));
    this.#socket.wake();
  }

  /** Return what follows from the clocks alone; identity is kept where nothing changed. */
  #judge(board: Board, connection: Connection, now: Instant): Partial<SessionState> {
    const state = this.#state;
    const staleAfterMs = (state.line?.stale_after_s ?? 0) * 1_000 || DEFAULT_STALE_AFTER_MS;
    const found = findLateCodes(board, connection.phase, staleAfterMs, now);
    const lateCodes = isSameSet(found, state.lateCodes) ? state.lateCodes : found;
    const nowMs = getServerMs(board, now);
    // The estimate jumps by the jitter of arrival; a counter must not show that.
    const isJitter = Math.abs(nowMs / 1_000 - state.nowS) < 3;
    const nowS = isJitter
      ? Math.max(state.nowS, Math.floor(nowMs / 1_000))
      : Math.floor(nowMs / 1_000);
    const lateSinceMs = lateCodes.size === 0 ? null : (state.lateSinceMs ?? nowMs);
    const silenceMs = board.asOf === null ? 0 : elapsedMs(board.asOf.receivedAt, now);
    const isTickFresh = silenceMs < 1_200 && board.asOf === state.board.asOf;
    const dataAgeMs = isTickFresh ? state.dataAgeMs : getBoardAgeMs(board, now);
    return { lateCodes, lateSinceMs, nowS, dataAgeMs };
  }

  #refetchSoon(): void {
    if (this.#refetchTimer !== undefined || this.#stopped.signal.aborted) return;
    // A thousand screens see the same change at the same moment; they must not ask as one.
    const delayMs = REFETCH_MIN_MS + Math.random() * (REFETCH_MAX_MS - REFETCH_MIN_MS);
    const doublings = Math.min(this.#failedRefetches, REFETCH_DOUBLINGS_MAX);
    this.#refetchTimer = setTimeout(
      () => {
        this.#refetchTimer = undefined;
        void this.#refetch();
      },
      delayMs * 2 ** doublings,
    );
  }

  async #refetch(): Promise<void> {
    if (this.#isRefetching) return;
    this.#isRefetching = true;
    const { signal } = this.#stopped;
    this.#refetchedAt = readClocks();
    try {
      await this.#fetchAll(signal);
      this.#failedRefetches = 0;
    } catch {
      // The socket says whether the server is there; what is missing is asked for again below.
      this.#failedRefetches += 1;
    } finally {
      this.#isRefetching = false;
    }
    if (!signal.aborted && this.#isAnswerMissing()) this.#refetchSoon();
  }

  async #fetchAll(signal: AbortSignal): Promise<void> {
    const { rest, lineId } = this.#options;
    // Asked for each time: the default line, its name and its limits may change while we watch.
    const { server, lines } = await rest.getLines(signal);
    const line =
      lines.find((item) => (lineId === null ? item.is_default : item.id === lineId)) ?? null;
    const isSwapped = this.#state.line !== null && this.#state.line.id !== line?.id;
    if (isSwapped) this.#isHistoryDue = true;
    this.#update(isSwapped ? { server, lines, line, board: emptyBoard } : { server, lines, line });
    if (line === null) return;
    const askedAt = readClocks();
    const [equipment, plcs] = await Promise.all([
      rest.getEquipment(line.id, signal),
      rest.getPlcs(signal),
    ]);
    const now = readClocks();
    // An answer is as old as the question: how long the way back took is not known.
    const board = foldPlcs(foldEquipment(this.#state.board, equipment, askedAt), plcs);
    this.#update({ board, ...this.#judge(board, this.#state.connection, now) });
    if (!this.#isHistoryDue) return;
    const changes = await rest.getChanges(line.id, signal);
    this.#isHistoryDue = false;
    this.#update({ board: foldChanges(this.#state.board, changes) });
  }

  /** A question failed, or a status changed while it was being asked. */
  #isAnswerMissing(): boolean {
    const { board, connection, line } = this.#state;
    if (connection.phase !== 'live') return false;
    if (line === null || this.#isHistoryDue) return true;
    for (const machine of board.machines.values()) if (machine.reason === null) return true;
    return false;
  }

  async #askHealth(): Promise<boolean> {
    try {
      await this.#options.rest.getHealth(this.#stopped.signal);
      return true;
    } catch {
      return false;
    }
  }

  #update(change: Partial<SessionState>): void {
    if (this.#stopped.signal.aborted) return;
    const keys = Object.keys(change) as Array<keyof SessionState>;
    if (keys.every((key) => Object.is(change[key], this.#state[key]))) return;
    this.#state = { ...this.#state, ...change };
    for (const listener of this.#listeners) listener();
  }
}

function getServerMs(board: Board, now: Instant): number {
  if (board.asOf === null) return now.wallMs;
  return board.asOf.serverMs + elapsedMs(board.asOf.receivedAt, now);
}
