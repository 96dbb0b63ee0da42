/**
 * The loaded past of one line: asks for tiles, keeps them, and asks again for those that hold the
 * present. Knows nothing of drawing; `tiles.ts` decides what is asked for.
 */
import { clipIntervals, joinIntervals } from '@/lib/timeline/intervals';
import type { AlarmMark, Band, Interval, Lane, TimelineAnswer } from '@/lib/timeline/model';
import {
  EXACT,
  getRefreshMs,
  getTileRange,
  type Level,
  LEVELS,
  planRequests,
  type TileRange,
} from '@/lib/timeline/tiles';

/** 304: nothing new. */
export interface Fetched {
  readonly answer: TimelineAnswer | null;
  readonly etag: string | null;
}

export interface Question {
  readonly fromMs: number;
  readonly toMs: number;
  readonly resolutionMs: number;
  readonly etag: string | null;
}

export type Ask = (question: Question, signal: AbortSignal) => Promise<Fetched>;

export interface Tile {
  readonly beginMs: number;
  /** Nothing of the tile is known from here on. */
  readonly knownMs: number;
  readonly lanes: ReadonlyMap<string, Lane>;
  readonly shifts: readonly Band[];
  readonly breaks: readonly Band[];
  readonly alarms: readonly AlarmMark[];
}

interface Held {
  readonly tile: Tile;
  readonly isWhole: boolean;
  readonly etag: string | null;
  readonly askedMs: number;
}

export interface StoreState {
  /** Counts answers: what was drawn from older ones is to be drawn again. */
  readonly version: number;
  readonly hasFailed: boolean;
  readonly isLoading: boolean;
  readonly timeZone: string | null;
  readonly knownFromMs: number | null;
  /** Whether any answer held time that is not kept any more. */
  readonly hasDeleted: boolean;
  /** Every machine that an answer named, in the server's order. */
  readonly lanes: ReadonlyArray<Pick<Lane, 'code' | 'name' | 'plcId'>>;
}

const TILES_MAX = 96;
const RETRY_MS = 5_000;
const ASKING_MAX = 3;

export class TimelineStore {
  readonly #ask: Ask;
  readonly #held = new Map<string, Held>();
  readonly #asking = new Set<string>();
  readonly #failedMs = new Map<string, number>();
  readonly #listeners = new Set<() => void>();
  #stopped = new AbortController();
  #state: StoreState = {
    version: 0,
    hasFailed: false,
    isLoading: false,
    timeZone: null,
    knownFromMs: null,
    hasDeleted: false,
    lanes: [],
  };

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly getState = (): StoreState => this.#state;

  start(): void {
    this.#stopped = new AbortController();
  }

  stop(): void {
    this.#stopped.abort();
    this.#asking.clear();
  }

  /** Ask for what is missing or has aged of [startMs, endMs) at `level`. Cheap when nothing is. */
  want(level: Level, startMs: number, endMs: number, nowMs: number): void {
    const range = getTileRange(level, startMs, Math.min(endMs, nowMs));
    const clockMs = performance.now();
    const isDue = (index: number): boolean => {
      const key = keyOf(level, index);
      if (this.#asking.has(key) || index * level.tileMs > nowMs) return false;
      if (clockMs - (this.#failedMs.get(key) ?? Number.NEGATIVE_INFINITY) < RETRY_MS) return false;
      const held = this.#held.get(key);
      if (held === undefined) return true;
      return !held.isWhole && clockMs - held.askedMs >= getRefreshMs(level);
    };
    for (const request of planRequests(range, isDue)) {
      if (this.#asking.size >= ASKING_MAX * 4) return;
      void this.#fetch(level, request);
    }
  }

  /** Whether every moment of [startMs, endMs) before the present is loaded at `level`. */
  isLoaded(level: Level, startMs: number, endMs: number): boolean {
    const { first, last } = getTileRange(level, startMs, endMs);
    for (let index = first; index <= last; index += 1) {
      if (!this.#held.has(keyOf(level, index))) return false;
    }
    return true;
  }

  /**
   * Return what is known of [startMs, endMs): tiles of `level` where there are, else of another
   * one, so that a zoom shows something at once. Each with the part of the time that it is for.
   */
  collect(level: Level, startMs: number, endMs: number): readonly TilePart[] {
    const parts: TilePart[] = [];
    const others = LEVELS.filter((other) => other !== level);
    this.#collect([level, ...others], startMs, endMs, true, parts);
    return parts;
  }

  /** Return one machine's intervals in [startMs, endMs), joined over the borders of tiles. */
  getIntervals(level: Level, code: string, startMs: number, endMs: number): readonly Interval[] {
    return joinIntervals(
      this.collect(level, startMs, endMs).map((part) =>
        clipIntervals(part.tile.lanes.get(code)?.intervals ?? [], part.startMs, part.endMs),
      ),
    );
  }

  /** Return the alarms of [startMs, endMs), from whatever tiles are loaded there. */
  listAlarms(startMs: number, endMs: number): readonly AlarmMark[] {
    return this.collect(EXACT, startMs, endMs).flatMap((part) =>
      part.tile.alarms.filter(({ atMs }) => atMs >= part.startMs && atMs < part.endMs),
    );
  }

  /** Return every machine's exact intervals of [startMs, endMs). */
  getLanes(startMs: number, endMs: number): readonly Lane[] {
    return this.#state.lanes.map((lane) => ({
      ...lane,
      intervals: this.getIntervals(EXACT, lane.code, startMs, endMs),
    }));
  }

  #collect(
    levels: readonly Level[],
    startMs: number,
    endMs: number,
    isWhole: boolean,
    parts: TilePart[],
  ): void {
    const [level, ...others] = levels;
    if (level === undefined || startMs >= endMs) return;
    const { first, last } = getTileRange(level, startMs, endMs);
    for (let index = first; index <= last; index += 1) {
      const fromMs = Math.max(startMs, index * level.tileMs);
      const toMs = Math.min(endMs, (index + 1) * level.tileMs);
      const held = this.#held.get(keyOf(level, index));
      if (held === undefined) this.#collect(others, fromMs, toMs, false, parts);
      else parts.push({ tile: held.tile, startMs: fromMs, endMs: toMs, isWhole });
    }
  }

  async #fetch(level: Level, { first, last }: TileRange): Promise<void> {
    const { signal } = this.#stopped;
    const keys: string[] = [];
    for (let index = first; index <= last; index += 1) keys.push(keyOf(level, index));
    for (const key of keys) this.#asking.add(key);
    const only = first === last ? this.#held.get(keyOf(level, first)) : undefined;
    const askedMs = performance.now();
    if (only === undefined) this.#update({ isLoading: true });
    try {
      const { answer, etag } = await this.#ask(
        {
          fromMs: first * level.tileMs,
          toMs: (last + 1) * level.tileMs,
          resolutionMs: level.resolutionMs,
          etag: only?.etag ?? null,
        },
        signal,
      );
      if (signal.aborted) return;
      this.#forget(keys);
      if (answer === null && only !== undefined) {
        this.#held.set(keyOf(level, first), { ...only, askedMs });
      } else if (answer !== null) {
        this.#keep(level, { first, last }, answer, first === last ? etag : null, askedMs);
      }
      for (const key of keys) this.#failedMs.delete(key);
    } catch {
      if (signal.aborted) return;
      this.#forget(keys);
      for (const key of keys) this.#failedMs.set(key, performance.now());
      this.#update({ hasFailed: true });
    } finally {
      if (!signal.aborted) this.#update({ isLoading: this.#asking.size > 0 });
    }
  }

  #forget(keys: readonly string[]): void {
    for (const key of keys) this.#asking.delete(key);
  }

  #keep(
    level: Level,
    range: TileRange,
    answer: TimelineAnswer,
    etag: string | null,
    askedMs: number,
  ): void {
    for (let index = range.first; index <= range.last; index += 1) {
      const key = keyOf(level, index);
      const beginMs = index * level.tileMs;
      const endMs = beginMs + level.tileMs;
      // Put at the end: the oldest in this order are forgotten first.
      this.#held.delete(key);
      this.#held.set(key, {
        tile: cutTile(answer, beginMs, endMs),
        isWhole: answer.knownUntilMs >= endMs,
        etag,
        askedMs,
      });
    }
    for (const key of this.#held.keys()) {
      if (this.#held.size <= TILES_MAX) break;
      this.#held.delete(key);
    }
    this.#update({
      version: this.#state.version + 1,
      hasFailed: false,
      timeZone: answer.timeZone ?? this.#state.timeZone,
      knownFromMs: answer.knownFromMs ?? this.#state.knownFromMs,
      hasDeleted: this.#state.hasDeleted || answer.lanes.some(isPartlyDeleted),
      lanes: mergeLanes(this.#state.lanes, answer.lanes),
    });
  }

  #update(change: Partial<StoreState>): void {
    const keys = Object.keys(change) as Array<keyof StoreState>;
    if (keys.every((key) => Object.is(change[key], this.#state[key]))) return;
    this.#state = { ...this.#state, ...change };
    for (const listener of this.#listeners) listener();
  }
}

export interface TilePart {
  readonly tile: Tile;
  readonly startMs: number;
  readonly endMs: number;
  /** Nothing else is shown of the tile's time, so nothing need be cut off. */
  readonly isWhole: boolean;
}

function keyOf(level: Level, index: number): string {
  return `${level.resolutionMs} ${index}`;
}

/** Return the part of `answer` inside [beginMs, endMs). */
export function cutTile(answer: TimelineAnswer, beginMs: number, endMs: number): Tile {
  const isInside = (band: Band): boolean => band.beginMs < endMs && band.endMs > beginMs;
  return {
    beginMs,
    knownMs: Math.min(endMs, answer.nowMs),
    lanes: new Map(
      answer.lanes.map((lane) => [
        lane.code,
        { ...lane, intervals: clipIntervals(lane.intervals, beginMs, endMs) },
      ]),
    ),
    shifts: answer.shifts.filter(isInside),
    breaks: answer.breaks.filter(isInside),
    alarms: answer.alarms.filter(({ atMs }) => atMs >= beginMs && atMs < endMs),
  };
}

function isPartlyDeleted({ intervals }: Lane): boolean {
  return intervals.some(({ status }) => status === 'deleted');
}

type Named = StoreState['lanes'];

/** Return the known machines and the new ones; the same list where there are none. */
function mergeLanes(known: Named, lanes: readonly Lane[]): Named {
  const codes = new Set(known.map(({ code }) => code));
  const fresh = lanes.filter(({ code }) => !codes.has(code));
  if (fresh.length === 0) return known;
  return [...known, ...fresh.map(({ code, name, plcId }) => ({ code, name, plcId }))];
}
