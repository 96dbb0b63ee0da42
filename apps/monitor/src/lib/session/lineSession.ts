/**
 * One line, live: joins the socket, REST and the clocks into one store for `useSyncExternalStore`.
 * What the pieces mean is decided in `lib/board` and `lib/connection`; here they only meet.
 */
import {
  type Board,
  emptyBoard,
  foldChanges,
  foldEarlier,
  foldEquipment,
  foldPlcs,
  foldTick,
  STRIP_WINDOW_MS,
} from '@/lib/board/board';
import { type Connection, initialConnection } from '@/lib/connection/connection';
import { MonitorSocket } from '@/lib/connection/monitorSocket';
import type { Rest } from '@/lib/rest/rest';
import { isTickFresh, judge, type Judged } from '@/lib/session/judge';
import { keepIfSame } from '@/lib/session/keepIfSame';
import { Refetcher } from '@/lib/session/refetcher';
import { elapsedMs, type Instant, readClocks } from '@/lib/time/instant';
import {
  getServerNowMs,
  type Heard,
  hearServerClock,
  isTooLate,
  withAnswer,
} from '@/lib/time/serverClock';
import type {
  ChangesView,
  EquipmentStatusMessage,
  LineView,
  ServerView,
} from '@/lib/types/generated';

/** The clocks are looked at this often; seconds on the screen change with the server's. */
const CLOCK_PERIOD_MS = 250;
/** A gap this long between two looks means that the machine, or the page, was asleep. */
const ASLEEP_MS = 3_000;
/** A history that cannot be read is not asked again before. */
const EARLIER_PAUSE_MS = 30_000;

export interface SessionState extends Judged {
  readonly board: Board;
  readonly connection: Connection;
  readonly server: ServerView | null;
  readonly lines: readonly LineView[];
  readonly line: LineView | null;
  readonly malformedCount: number;
  /** The server answers, but lets no socket of this page in: a proxy has renamed one of them. */
  readonly isOriginRefused: boolean;
}

/** What an answer changes, whatever has come in between. */
type Fold = (state: SessionState) => Partial<SessionState>;

export interface LineSessionOptions {
  readonly socketUrl: string;
  /** Null: the default line. */
  readonly lineId: string | null;
  readonly rest: Rest;
}

/** What components read: the live line, or another that looks like it. */
export interface LineSession {
  readonly subscribe: (listener: () => void) => () => void;
  readonly getState: () => SessionState;
  readonly reconnect: () => void;
  readonly dismissNotice: () => void;
}

export class LiveSession implements LineSession {
  readonly #options: LineSessionOptions;
  readonly #socket: MonitorSocket;
  readonly #refetcher: Refetcher;
  readonly #listeners = new Set<() => void>();
  #state: SessionState;
  #stopped = new AbortController();
  #clockTimer: ReturnType<typeof setInterval> | undefined;
  #lookedAt: Instant = readClocks();
  #isHistoryDue = true;
  /** What the history knows of before is not on the board yet; asked when it last failed. */
  #earlierDue: { readonly view: ChangesView; readonly failedAt: Instant | null } | null = null;
  /** What the server called the news of the list that was answered last. */
  #news: string | null = null;
  /** The ticks that the server answered with in the last minutes, and when those answers came. */
  #answered: readonly Heard[] = [];
  /** Answers that wait for the next tick, so that both are one change of the screen. */
  #answers: Fold[] = [];

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
      nowS: Math.floor(getServerNowMs() / 1_000),
      dataAgeMs: null,
      malformedCount: 0,
      isOriginRefused: false,
    };
    this.#socket = new MonitorSocket({
      url: options.socketUrl,
      askHealth: (signal) => this.#askHealth(signal),
      onConnection: (connection) => this.#onConnection(connection),
      isLate: ({ timestamp }, receivedAt) => this.#isLate(Date.parse(timestamp), receivedAt),
      onTick: (message, receivedAt) => this.#onTick(message, receivedAt),
      onMalformed: () => this.#update({ malformedCount: this.#state.malformedCount + 1 }),
    });
    this.#refetcher = new Refetcher({
      ask: (signal) => this.#askAll(signal),
      hasNews: (signal) => this.#hasNews(signal),
      mayAskAgain: () => this.#state.connection.phase === 'live',
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
    const wake = (): void => this.#wake();
    document.addEventListener('visibilitychange', wake, { signal });
    document.addEventListener('resume', wake, { signal });
    window.addEventListener('online', wake, { signal });
    window.addEventListener('pageshow', wake, { signal });
    this.#socket.start();
    this.#refetcher.start();
  }

  stop(): void {
    this.#stopped.abort();
    clearInterval(this.#clockTimer);
    this.#refetcher.stop();
    this.#answers = [];
    this.#socket.stop();
  }

  #isLate(sentMs: number, receivedAt: Instant): boolean {
    const isLate = isTooLate(sentMs, this.#answered, receivedAt);
    if (isLate) this.#refetcher.soon();
    return isLate;
  }

  #onTick(message: EquipmentStatusMessage, receivedAt: Instant): void {
    const { board, changedCodes } = foldTick(this.#state.board, message, receivedAt);
    if (board.tickMs !== null) hearServerClock(board.tickMs, receivedAt);
    const isNewOrder = board.order !== this.#state.board.order;
    this.#foldAnswers({ ...this.#state, board }, receivedAt);
    if (changedCodes.length > 0 || isNewOrder) this.#refetcher.soon();
  }

  #onConnection(connection: Connection): void {
    const wasLive = this.#state.connection.phase === 'live';
    const before = this.#state.connection;
    this.#judge({ connection }, readClocks());
    if (connection.phase === 'live' && this.#state.isOriginRefused) {
      this.#update({ isOriginRefused: false });
    }
    if (isInTrouble(connection) && !isInTrouble(before)) void this.#askWhyRefused();
    if (connection.phase === 'live' && !wasLive) {
      this.#isHistoryDue = true;
      this.#refetcher.soon();
    }
  }

  /** Look at the clocks: count seconds, age the data, notice silence and sleep. */
  #look(): void {
    const now = readClocks();
    const wasAsleep = elapsedMs(this.#lookedAt, now) > ASLEEP_MS;
    this.#lookedAt = now;
    if (wasAsleep) this.#wake();
    this.#socket.checkSilence(now);
    if (this.#answers.length > 0 && !isTickFresh(this.#state.board, now)) {
      this.#foldAnswers(this.#state, now);
    }
    this.#judge({}, now);
    this.#refetcher.look(now);
  }

  /** The page may have slept: doubt what it shows, and ask at once where there is a doubt. */
  #wake(): void {
    // A hidden page is seldom given time, and long gaps are no news there. It wakes when it is shown.
    if (document.visibilityState !== 'visible') return;
    const now = readClocks();
    // Gray first: what is shown was true before the sleep.
    this.#judge({}, now);
    if (this.#socket.wake(now)) this.#refetcher.now();
  }

  /** Ask what ticks do not say. Ends with an error where an answer is missing. */
  async #askAll(signal: AbortSignal): Promise<void> {
    const { rest, lineId } = this.#options;
    // Asked for each time: the default line, its name and its limits may change while we watch.
    // The line that is shown is asked for with them, since it seldom is another one.
    const shownId = this.#state.line?.id ?? null;
    const [{ server, lines }, shown] = await Promise.all([
      rest.getLines(signal),
      shownId === null ? null : this.#askLine(shownId, signal).catch(() => null),
    ]);
    const line =
      lines.find((item) => (lineId === null ? item.is_default : item.id === lineId)) ?? null;
    const isSwapped = this.#state.line !== null && this.#state.line.id !== line?.id;
    if (isSwapped) this.#isHistoryDue = true;
    if (isSwapped) this.#answers = [];
    if (isSwapped) this.#earlierDue = null;
    if (isSwapped || line === null) {
      const board = isSwapped ? emptyBoard : this.#state.board;
      this.#update({ server, lines, line, board });
    }
    if (line === null) return;
    const isShown = shown !== null && line.id === shownId;
    const answer = isShown ? shown : await this.#askLine(line.id, signal);
    const { equipment, plcs, askedAt } = answer;
    this.#news = equipment.news;
    this.#take((state) => ({
      ...keepLines(state, { server, lines, line }),
      board: foldPlcs(foldEquipment(state.board, equipment, askedAt), plcs),
    }));
    if (this.#isHistoryDue) {
      const changes = await rest.getChanges(line.id, signal);
      this.#isHistoryDue = false;
      this.#take((state) => ({ board: foldChanges(state.board, changes) }));
      this.#earlierDue = { view: changes, failedAt: null };
    }
    await this.#askEarlier(line.id, signal);
  }

  /** Whether a reason, a fault or the configuration is another, which no tick tells. */
  async #hasNews(signal: AbortSignal): Promise<boolean> {
    const { connection, line } = this.#state;
    const isWatched = connection.phase === 'live' && document.visibilityState === 'visible';
    if (line === null || !isWatched) return false;
    return (await this.#options.rest.getNews(line.id, signal)).news !== this.#news;
  }

  /** Ask the history for what the strips show of the time before. The board does without it. */
  async #askEarlier(lineId: string, signal: AbortSignal): Promise<void> {
    const due = this.#earlierDue;
    if (due === null) return;
    if (due.failedAt !== null && elapsedMs(due.failedAt, readClocks()) < EARLIER_PAUSE_MS) return;
    const toMs = Date.parse(due.view.now);
    const fromMs = toMs - STRIP_WINDOW_MS;
    const window = { from: new Date(fromMs).toISOString(), to: due.view.now };
    const isAllObserved =
      Date.parse(due.view.observed_since) <= fromMs &&
      Object.keys(due.view.observed_since_by_equipment).length === 0;
    try {
      const view = isAllObserved
        ? null
        : await this.#options.rest.getTimeline(lineId, window, signal);
      this.#earlierDue = null;
      if (view !== null) this.#take((state) => ({ board: foldEarlier(state.board, view) }));
    } catch {
      if (this.#earlierDue === due) this.#earlierDue = { ...due, failedAt: readClocks() };
    }
  }

  async #askLine(id: string, signal: AbortSignal) {
    const { rest } = this.#options;
    // An answer is as old as the question: how long the way back took is not known.
    const askedAt = readClocks();
    const asked = rest.getEquipment(id, signal).then((answer) => {
      const told = { serverMs: Date.parse(answer.at), receivedAt: readClocks() };
      this.#answered = withAnswer(this.#answered, told, askedAt);
      return answer;
    });
    const [equipment, plcs] = await Promise.all([asked, rest.getPlcs(signal)]);
    // Before the first tick, so that nothing is asked by the screen's own clock even then.
    if (this.#state.board.tickMs === null) hearServerClock(Date.parse(equipment.at), askedAt);
    return { equipment, plcs, askedAt };
  }

  /** Fold an answer in: with the tick that is about to come, or at once where none is. */
  #take(answer: Fold): void {
    const now = readClocks();
    const { board, line } = this.#state;
    this.#answers.push(answer);
    const isFirst = line === null || board.observedSinceMs === null;
    if (isFirst || board.tickMs === null || !isTickFresh(board, now)) {
      this.#foldAnswers(this.#state, now);
    }
  }

  #foldAnswers(state: SessionState, now: Instant): void {
    const answers = this.#answers;
    this.#answers = [];
    let after = state;
    for (const answer of answers) after = { ...after, ...answer(after) };
    this.#judge(after, now);
    if (answers.length > 0 && this.#isAnswerMissing()) this.#refetcher.soon();
  }

  /** A status changed while the question was being asked, or the history is still due. */
  #isAnswerMissing(): boolean {
    const { board, connection, line } = this.#state;
    if (connection.phase !== 'live') return false;
    if (line === null || this.#isHistoryDue) return true;
    for (const machine of board.machines.values()) if (machine.reason === null) return true;
    return false;
  }

  /** What a refused socket does not say, a question does. */
  async #askWhyRefused(): Promise<void> {
    try {
      const isOriginRefused = await this.#options.rest.isOriginRefused(this.#stopped.signal);
      if (this.#state.connection.phase !== 'live') this.#update({ isOriginRefused });
    } catch {
      // No answer: then the server is away, as the connection says.
    }
  }

  async #askHealth(signal: AbortSignal): Promise<boolean> {
    try {
      await this.#options.rest.getHealth(signal);
      return true;
    } catch {
      return false;
    }
  }

  /** Update, together with what follows from it and from the clocks. */
  #judge(change: Partial<SessionState>, now: Instant): void {
    const evidence = { ...this.#state, ...change };
    this.#update({ ...change, ...judge(this.#state, evidence, now) });
  }

  #update(change: Partial<SessionState>): void {
    if (this.#stopped.signal.aborted) return;
    const keys = Object.keys(change) as Array<keyof SessionState>;
    if (keys.every((key) => Object.is(change[key], this.#state[key]))) return;
    this.#state = { ...this.#state, ...change };
    for (const listener of this.#listeners) listener();
  }
}

/** The first attempt may have met a server that was just starting. */
function isInTrouble({ phase, attempt }: Connection): boolean {
  return phase === 'failed' || (phase === 'reconnecting' && attempt >= 2);
}

type Lines = Pick<SessionState, 'server' | 'lines' | 'line'>;

/** Return the answer, with the identity of what it says again. */
function keepLines(state: Lines, answer: Lines): Lines {
  return {
    server: keepIfSame(state.server, answer.server),
    lines: keepIfSame(state.lines, answer.lines),
    line: keepIfSame(state.line, answer.line),
  };
}
