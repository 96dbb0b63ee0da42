/**
 * Which pieces of the past are asked for, and how finely. The past is cut into tiles at fixed
 * borders, so that two people, and one person who pans back, ask the same questions. Pure.
 */

export interface Level {
  /** Runs shorter than this come merged into their worst status; 0: every second as it was. */
  readonly resolutionMs: number;
  readonly tileMs: number;
}

const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Every change, unmerged: what the time machine reads. */
export const EXACT: Level = { resolutionMs: 0, tileMs: 4 * HOUR_MS };

/** Finest first. The tile that holds the present is asked for again and again, so none is large. */
export const LEVELS: readonly Level[] = [
  EXACT,
  { resolutionMs: 10 * SECOND_MS, tileMs: 6 * HOUR_MS },
  { resolutionMs: 60 * SECOND_MS, tileMs: 12 * HOUR_MS },
  { resolutionMs: 300 * SECOND_MS, tileMs: DAY_MS },
  { resolutionMs: 1_800 * SECOND_MS, tileMs: 4 * DAY_MS },
];

/** Longer answers are cut, so that the first part is on the screen soon. */
const REQUEST_TILES_MAX = 4;

/** Return the coarsest level of which no run is wider than a pixel. */
export function chooseLevel(msPerPx: number): Level {
  return LEVELS.findLast(({ resolutionMs }) => resolutionMs <= msPerPx) ?? EXACT;
}

export interface TileRange {
  readonly first: number;
  /** Inclusive. */
  readonly last: number;
}

/** Return the tiles that touch [startMs, endMs). */
export function getTileRange(level: Level, startMs: number, endMs: number): TileRange {
  const first = Math.floor(startMs / level.tileMs);
  return { first, last: Math.max(first, Math.ceil(endMs / level.tileMs) - 1) };
}

/** Return the tiles of `range` for which `isDue` says so, neighbours as one request. */
export function planRequests(
  range: TileRange,
  isDue: (index: number) => boolean,
): readonly TileRange[] {
  const requests: TileRange[] = [];
  for (let index = range.first; index <= range.last; index += 1) {
    if (!isDue(index)) continue;
    const open = requests.at(-1);
    const hasRoom = open !== undefined && open.last - open.first + 1 < REQUEST_TILES_MAX;
    if (open !== undefined && hasRoom && open.last === index - 1) {
      requests[requests.length - 1] = { ...open, last: index };
    } else {
      requests.push({ first: index, last: index });
    }
  }
  return requests;
}

/** How long an answer that holds the present is good for. */
export function getRefreshMs({ resolutionMs }: Level): number {
  return Math.min(60_000, Math.max(10_000, resolutionMs));
}
