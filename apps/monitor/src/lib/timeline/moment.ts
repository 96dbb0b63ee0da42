/**
 * The line as it was at one moment, from intervals: a board like the live one, so that the same
 * boxes draw it. Pure. What nobody saw is never shown as the status before.
 */
import type { Board, Machine, StatusChange } from '@/lib/board/board';
import { emptyBoard, STRIP_WINDOW_MS } from '@/lib/board/board';
import type { Span } from '@/lib/board/timeline';
import { findIndexAt } from '@/lib/timeline/intervals';
import { type Interval, isEmpty, isSeen, type Lane } from '@/lib/timeline/model';
import type { EquipmentTags, Status } from '@/lib/types/equipment';
import type { BoardView, PositionView } from '@/lib/types/generated';

export interface Moment {
  readonly board: Board;
  /** The machines of which nothing is known at that moment. */
  readonly unseenCodes: ReadonlySet<string>;
  /** Those of them of which it was known, and was deleted. */
  readonly deletedCodes: ReadonlySet<string>;
}

/** What is not in intervals, but still holds: the order of the board, and where machines stand. */
export interface Frame {
  readonly order: readonly string[];
  readonly positions: ReadonlyMap<string, PositionView | null>;
}

/** Return the tags that agree with `status`: the contract's colours are made of them. */
export function tagsOf(status: Status): EquipmentTags {
  return {
    status_tag: status === 'running' ? 1 : 0,
    error_tag: status === 'error' ? 1 : 0,
    connection: status !== 'disconnected',
  };
}

/**
 * Return the board of `lanes` at `atMs`.
 *
 * Each lane's intervals must tile what is known around the moment; one that holds the moment and
 * begins at `fromMs`, where the knowledge begins, may have begun before, so its time is left out.
 */
export function buildMoment(
  lanes: readonly Lane[],
  atMs: number,
  fromMs: number,
  frame: Frame,
): Moment {
  const machines = new Map<string, Machine>();
  const changes = new Map<string, readonly StatusChange[]>();
  const earlier = new Map<string, readonly Span[]>();
  const observedSinceMsByCode = new Map<string, number>();
  const unseenCodes = new Set<string>();
  const deletedCodes = new Set<string>();
  for (const lane of sortLanes(lanes, frame.order)) {
    const { code, name, plcId, intervals } = lane;
    const index = findIndexAt(intervals, atMs);
    const now = intervals[index];
    if (now !== undefined && isEmpty(now.status)) continue; // not on the line then
    const status = now !== undefined && isSeen(now.status) ? now.status : null;
    if (status === null) unseenCodes.add(code);
    if (now?.status === 'deleted') deletedCodes.add(code);
    machines.set(code, {
      code,
      name,
      plcId,
      status: status ?? 'disconnected',
      tags: tagsOf(status ?? 'disconnected'),
      sinceMs: getSinceMs(intervals, index, fromMs),
      reason: null,
      staleAfterMs: null,
      stopAfterS: null,
      position: frame.positions.get(code) ?? null,
    });
    const { seenSinceMs, seen } = listSeen(intervals, index, atMs, fromMs);
    observedSinceMsByCode.set(code, seenSinceMs);
    changes.set(code, seen);
    const before = listBefore(intervals, seenSinceMs, atMs - STRIP_WINDOW_MS);
    if (before.some((span) => span.status === 'deleted')) earlier.set(code, before);
  }
  const board: Board = {
    ...emptyBoard,
    order: [...machines.keys()],
    machines,
    tickMs: atMs,
    changes,
    earlier,
    observedSinceMs: Math.max(fromMs, atMs - STRIP_WINDOW_MS),
    observedSinceMsByCode,
  };
  return { board, unseenCodes, deletedCodes };
}

/**
 * Return whether `lanes` hold `atMs`: all of them end where the history did when it was asked, and
 * what is on its way into it is not unseen.
 */
export function reachesMoment(lanes: readonly Lane[], atMs: number): boolean {
  return lanes.length === 0 || lanes.some(({ intervals }) => (intervals.at(-1)?.endMs ?? 0) > atMs);
}

/** Fold in what `/api/board` says of the same moment: since when exactly, why, and the tags. */
export function foldBoardAt(moment: Moment, view: Pick<BoardView, 'equipment'>): Moment {
  const machines = new Map(moment.board.machines);
  for (const equipment of view.equipment) {
    const code = equipment.equipment_code;
    const machine = machines.get(code);
    if (machine === undefined || moment.unseenCodes.has(code)) continue;
    if (machine.status !== equipment.status) continue;
    machines.set(code, {
      ...machine,
      tags: equipment.tags,
      sinceMs: equipment.since === null ? machine.sinceMs : Date.parse(equipment.since),
      reason: equipment.reason,
      staleAfterMs: equipment.stale_after_s * 1_000,
      stopAfterS: equipment.stop_after_s,
    });
  }
  return { ...moment, board: { ...moment.board, machines } };
}

/** Machines of today in today's order, then those that are no longer configured. */
export function sortLanes(lanes: readonly Lane[], order: readonly string[]): readonly Lane[] {
  const places = new Map(order.map((code, index) => [code, index]));
  const placeOf = (lane: Lane): number => places.get(lane.code) ?? Number.MAX_SAFE_INTEGER;
  return [...lanes].sort((a, b) => placeOf(a) - placeOf(b));
}

/** Return when the status began, over changes of its reason; null where that was not loaded. */
function getSinceMs(intervals: readonly Interval[], index: number, fromMs: number): number | null {
  let first = index;
  while (first > 0 && intervals[first - 1]?.status === intervals[index]?.status) first -= 1;
  const beginMs = intervals[first]?.beginMs ?? null;
  return beginMs === null || beginMs <= fromMs ? null : beginMs;
}

/**
 * Return the changes up to the moment, as far back as the machine was seen without a gap: the
 * strip of a box knows unseen time only at its beginning.
 */
function listSeen(
  intervals: readonly Interval[],
  index: number,
  atMs: number,
  fromMs: number,
): { readonly seenSinceMs: number; readonly seen: readonly StatusChange[] } {
  const seen: StatusChange[] = [];
  const earliestMs = Math.max(fromMs, atMs - STRIP_WINDOW_MS);
  let seenSinceMs = index === -1 ? atMs : earliestMs;
  for (let i = index; i >= 0; i -= 1) {
    const interval = intervals[i];
    const before = intervals[i - 1];
    if (interval === undefined) break;
    if (!isSeen(interval.status)) {
      seenSinceMs = Math.min(atMs, interval.endMs);
      break;
    }
    if (before === undefined || !isSeen(before.status) || interval.beginMs <= earliestMs) {
      seenSinceMs = Math.max(earliestMs, interval.beginMs);
      seen.unshift({ atMs: seenSinceMs, previous: null, status: interval.status });
      break;
    }
    // Two intervals of one status and different reasons are no change of status.
    if (before.status === interval.status) continue;
    seen.unshift({ atMs: interval.beginMs, previous: before.status, status: interval.status });
  }
  return { seenSinceMs, seen };
}

/** Return what was before the machine was seen, from `startMs` on, for the strip of a box. */
function listBefore(
  intervals: readonly Interval[],
  seenSinceMs: number,
  startMs: number,
): readonly Span[] {
  return intervals
    .filter(({ beginMs, endMs }) => beginMs < seenSinceMs && endMs > startMs)
    .map(({ beginMs, endMs, status }) => ({
      startMs: beginMs,
      endMs: Math.min(endMs, seenSinceMs),
      status: isSeen(status) || status === 'deleted' ? status : null,
    }));
}
