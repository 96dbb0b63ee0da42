/**
 * The time machine of one line: which moment is shown, whether it plays, and the board of it. Joins
 * the loaded past, the playback clock and the past session; what each means is decided there.
 */
import { RestError } from '@/lib/rest/rest';
import type { LineSession } from '@/lib/session/lineSession';
import { PastSession } from '@/lib/session/pastSession';
import type { Lane } from '@/lib/timeline/model';
import { buildMoment, foldBoardAt, type Moment, reachesMoment } from '@/lib/timeline/moment';
import {
  findChange,
  type Playback,
  reducePlayback,
  type Speed,
  startPlayback,
} from '@/lib/timeline/playback';
import { EXACT } from '@/lib/timeline/tiles';
import type { TimelineStore } from '@/lib/timeline/timelineStore';
import type { BoardView } from '@/lib/types/generated';

/** The live board changes once a second; ten times a second is smooth enough for a played one. */
const SHOW_PERIOD_MS = 100;
/** A hand that moves on asks nothing. */
const DETAIL_DELAY_MS = 250;
const DETAIL_AGAIN_MS = 5_000;
const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;
/** Strips of the boxes show this much before the moment. */
const BEFORE_MS = 8 * HOUR_MS;
/** How far a step looks for a change before it gives up. */
const SEARCH_MAX_MS = 48 * HOUR_MS;

export interface TimeMachineOptions {
  readonly live: LineSession;
  readonly store: TimelineStore;
  readonly askBoardAt: (atMs: number, signal: AbortSignal) => Promise<BoardView>;
  /** The latest moment that is past. */
  readonly getLatestMs: () => number;
}

export interface TimeMachineState {
  readonly playback: Playback;
  /** False while the moment's records are being loaded: then no machine has a status. */
  readonly isKnown: boolean;
  readonly unseenCount: number;
  /** Those of them whose changes of that time were deleted. */
  readonly deletedCodes: ReadonlySet<string>;
  /** What `/api/board` says of the moment, with raw tags; null while it plays or is asked for. */
  readonly detail: BoardView | null;
}

export class TimeMachine {
  readonly past: PastSession;
  readonly #options: TimeMachineOptions;
  readonly #listeners = new Set<() => void>();
  #state: TimeMachineState;
  #stopped = new AbortController();
  #frame = 0;
  #shownAtMs = Number.NEGATIVE_INFINITY;
  #detailTimer: ReturnType<typeof setTimeout> | undefined;
  #detailQuestion: AbortController | null = null;
  #pendingStep: 1 | -1 | null = null;
  #lanes: { readonly key: string; readonly lanes: readonly Lane[] } = { key: '', lanes: [] };

  constructor(options: TimeMachineOptions, atMs: number) {
    this.#options = options;
    this.#state = {
      playback: startPlayback(atMs),
      isKnown: false,
      unseenCount: 0,
      deletedCodes: new Set(),
      detail: null,
    };
    this.past = new PastSession(options.live, this.#build().moment, atMs);
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly getState = (): TimeMachineState => this.#state;

  start(): void {
    this.#stopped = new AbortController();
    const unsubscribe = this.#options.store.subscribe(() => {
      this.#show();
      const isLoading = this.#options.store.getState().isLoading;
      if (this.#pendingStep !== null && !isLoading) {
        const direction = this.#pendingStep;
        this.#pendingStep = null;
        this.step(direction);
      }
    });
    this.#stopped.signal.addEventListener('abort', unsubscribe);
    this.#want();
    this.#show();
    this.#askDetailSoon();
  }

  stop(): void {
    this.#reduce({ type: 'pause' });
    this.#stopped.abort();
    this.#detailQuestion?.abort();
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    clearTimeout(this.#detailTimer);
    this.#detailQuestion?.abort();
  }

  readonly seek = (atMs: number): void => {
    const latestMs = this.#options.getLatestMs();
    // Whole seconds, as an address says them: a link opens the very same board.
    const secondMs = Math.floor(Math.min(latestMs, Math.max(0, atMs)) / SECOND_MS) * SECOND_MS;
    this.#reduce({ type: 'seek', atMs: secondMs });
    this.#want();
    this.#show();
    this.#askDetailSoon();
  };

  readonly togglePlay = (): void => {
    const isPlaying = this.#state.playback.playedMs !== null;
    if (isPlaying) this.#pause();
    else this.#play();
  };

  readonly setSpeed = (speed: Speed): void => {
    this.#reduce({ type: 'speed', speed, monotonicMs: performance.now() });
  };

  /** Go to the next (+1) or previous (-1) change of any machine, in what is loaded or soon will be. */
  readonly step = (direction: 1 | -1): void => {
    if (this.#state.playback.playedMs !== null) this.#pause();
    const { store } = this.#options;
    const { atMs } = this.#state.playback;
    const [fromMs, toMs] =
      direction === 1 ? [atMs, atMs + SEARCH_MAX_MS] : [atMs - SEARCH_MAX_MS, atMs];
    store.want(EXACT, fromMs, toMs, this.#options.getLatestMs());
    const times = listChanges(store.getLanes(fromMs, toMs), fromMs);
    const next = findChange(times, atMs, direction);
    // Not found in what is loaded: looked for again as soon as more has come.
    this.#pendingStep = next === null ? direction : null;
    if (next !== null) this.seek(next);
  };

  #play(): void {
    this.#reduce({ type: 'play', monotonicMs: performance.now() });
    this.#detailQuestion?.abort();
    clearTimeout(this.#detailTimer);
    this.#update({ detail: null });
    const run = (): void => {
      const { playback } = this.#state;
      if (playback.playedMs === null) return;
      // Waits for its records rather than play through what it does not know.
      const monotonicMs = performance.now();
      if (this.#state.isKnown) {
        const latestMs = this.#options.getLatestMs();
        this.#reduce({ type: 'frame', monotonicMs, latestMs });
      } else {
        this.#reduce({ type: 'pause' });
        this.#reduce({ type: 'play', monotonicMs });
      }
      this.#want();
      if (monotonicMs - this.#shownAtMs >= SHOW_PERIOD_MS) this.#show();
      if (this.#state.playback.playedMs === null) this.#pause();
      else this.#frame = requestAnimationFrame(run);
    };
    this.#frame = requestAnimationFrame(run);
  }

  #pause(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    this.#reduce({ type: 'pause' });
    this.seek(this.#state.playback.atMs);
  }

  #want(): void {
    const { atMs, speed } = this.#state.playback;
    // Two minutes of playing ahead, so that it seldom waits.
    const aheadMs = Math.max(10 * 60_000, speed * 120_000);
    const { store, getLatestMs } = this.#options;
    store.want(EXACT, atMs - BEFORE_MS, atMs + aheadMs, getLatestMs());
  }

  #build(): { readonly moment: Moment; readonly isKnown: boolean } {
    const { store, live } = this.#options;
    const { atMs } = this.#state.playback;
    const tile = Math.floor(atMs / EXACT.tileMs) * EXACT.tileMs;
    const { version } = store.getState();
    const key = `${tile} ${version}`;
    const fromMs = tile - BEFORE_MS;
    if (this.#lanes.key !== key) {
      this.#lanes = { key, lanes: store.getLanes(fromMs, tile + EXACT.tileMs) };
    }
    const { board } = live.getState();
    const positions = new Map([...board.machines].map(([code, { position }]) => [code, position]));
    const { lanes } = this.#lanes;
    const isKnown = store.isLoaded(EXACT, atMs, atMs + 1) && reachesMoment(lanes, atMs);
    const known = isKnown ? lanes : lanes.map((lane) => ({ ...lane, intervals: [] }));
    const loadedFromMs = store.isLoaded(EXACT, fromMs, tile) ? fromMs : tile;
    return {
      moment: buildMoment(known, atMs, loadedFromMs, { order: board.order, positions }),
      isKnown,
    };
  }

  #show(): void {
    if (this.#stopped.signal.aborted) return;
    this.#shownAtMs = performance.now();
    const { playback, detail } = this.#state;
    const { moment, isKnown } = this.#build();
    this.past.show(detail === null ? moment : foldBoardAt(moment, detail), playback.atMs);
    this.#update({
      isKnown,
      unseenCount: moment.unseenCodes.size,
      deletedCodes: moment.deletedCodes,
    });
  }

  #askDetailSoon(): void {
    clearTimeout(this.#detailTimer);
    this.#detailQuestion?.abort();
    this.#update({ detail: null });
    if (this.#state.playback.playedMs !== null) return;
    this.#detailTimer = setTimeout(() => void this.#askDetail(), DETAIL_DELAY_MS);
  }

  async #askDetail(): Promise<void> {
    const question = new AbortController();
    this.#detailQuestion = question;
    const { signal } = question;
    try {
      const detail = await this.#options.askBoardAt(this.#state.playback.atMs, signal);
      if (signal.aborted) return;
      this.#update({ detail });
      this.#show();
    } catch (error) {
      // The board itself comes from the timeline; without the answer it has no reasons.
      if (signal.aborted || !(error instanceof RestError) || error.status !== 503) return;
      // The history does not reach the moment yet.
      this.#detailTimer = setTimeout(() => void this.#askDetail(), DETAIL_AGAIN_MS);
    }
  }

  #reduce(event: Parameters<typeof reducePlayback>[1]): void {
    this.#update({ playback: reducePlayback(this.#state.playback, event) });
  }

  #update(change: Partial<TimeMachineState>): void {
    if (this.#stopped.signal.aborted) return;
    const keys = Object.keys(change) as Array<keyof TimeMachineState>;
    if (keys.every((key) => Object.is(change[key], this.#state[key]))) return;
    this.#state = { ...this.#state, ...change };
    for (const listener of this.#listeners) listener();
  }
}

/** Yield the first whole seconds that show a change; where the records begin nothing changed. */
function* listChanges(lanes: readonly Lane[], fromMs: number): Iterable<number> {
  for (const { intervals } of lanes) {
    for (let i = 1; i < intervals.length; i += 1) {
      const [before, after] = [intervals[i - 1], intervals[i]];
      if (before === undefined || after === undefined) continue;
      if (before.status !== after.status && after.beginMs > fromMs) {
        yield Math.ceil(after.beginMs / SECOND_MS) * SECOND_MS;
      }
    }
  }
}
