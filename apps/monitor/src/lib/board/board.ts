/**
 * The line as the page knows it, folded from REST answers and ticks. Pure; every function returns
 * a new board and keeps the identity of all that did not change, so that only changed boxes render.
 */
import { parseTimeMs } from '@/lib/time/format';
import type { Instant } from '@/lib/time/instant';
import type { Span } from '@/lib/board/timeline';
import type {
  ChangesView,
  EquipmentListView,
  EquipmentStatusMessage,
  PlcsView,
  PlcView,
  PositionView,
  ReasonView,
  TimelineView,
} from '@/lib/types/generated';
import type { EquipmentTags, Status } from '@/lib/types/equipment';
import { isSeen, nameUnseen } from '@/lib/timeline/model';

/** The strip shows this much; what is older is forgotten. */
export const STRIP_WINDOW_MS = 8 * 3_600_000;
const CHANGES_MAX = 500;

export interface Machine {
  readonly code: string;
  readonly name: string;
  readonly status: Status;
  readonly tags: EquipmentTags;
  /** Server time; null while only ticks have been heard and no change was seen. */
  readonly sinceMs: number | null;
  /** Null until REST has answered for this status. */
  readonly reason: ReasonView | null;
  readonly plcId: string | null;
  /** Its own limit; null until REST has answered. */
  readonly staleAfterMs: number | null;
  /** Its own limit; null where idle never becomes stopped, and until REST has answered. */
  readonly stopAfterS: number | null;
  readonly position: PositionView | null;
}

export interface StatusChange {
  readonly atMs: number;
  readonly previous: Status | null;
  readonly status: Status;
}

export interface Board {
  readonly order: readonly string[];
  readonly machines: ReadonlyMap<string, Machine>;
  /** Last good read, server time; null where there was none. */
  readonly lastUpdatedMs: ReadonlyMap<string, number | null>;
  /** Server time of the newest tick or answer, and when the page received it. */
  readonly asOf: { readonly serverMs: number; readonly receivedAt: Instant } | null;
  readonly tickMs: number | null;
  readonly changes: ReadonlyMap<string, readonly StatusChange[]>;
  /** Nothing is known of the line's time before. */
  readonly observedSinceMs: number | null;
  /** The machines of which less is known than of the line. */
  readonly observedSinceMsByCode: ReadonlyMap<string, number>;
  /** What the history knows of the time before; by machine, oldest first. */
  readonly earlier: ReadonlyMap<string, readonly Span[]>;
  /** The history begins here; null where there is none, or before it has answered. */
  readonly earlierSinceMs: number | null;
  readonly plcs: ReadonlyMap<string, PlcView>;
}

export const emptyBoard: Board = {
  order: [],
  machines: new Map(),
  lastUpdatedMs: new Map(),
  asOf: null,
  tickMs: null,
  changes: new Map(),
  observedSinceMs: null,
  observedSinceMsByCode: new Map(),
  earlier: new Map(),
  earlierSinceMs: null,
  plcs: new Map(),
};

/** Fold one tick in. A changed status is counted from the tick until REST says it better. */
export function foldTick(
  board: Board,
  message: EquipmentStatusMessage,
  receivedAt: Instant,
): { readonly board: Board; readonly changedCodes: readonly string[] } {
  const tickMs = Date.parse(message.timestamp);
  const machines = new Map<string, Machine>();
  const lastUpdatedMs = new Map<string, number | null>();
  const changedCodes: string[] = [];
  let changes: Map<string, readonly StatusChange[]> | null = null;
  for (const equipment of message.equipment) {
    const code = equipment.equipment_code;
    const known = board.machines.get(code);
    const isChanged = known?.status !== equipment.status;
    // The contract has no null: 1970 stands for "never read".
    lastUpdatedMs.set(code, Date.parse(equipment.last_updated) || null);
    if (isChanged) changedCodes.push(code);
    if (isChanged && known !== undefined) {
      changes ??= new Map(board.changes);
      const change = { atMs: tickMs, previous: known.status, status: equipment.status };
      changes.set(code, prune([...(changes.get(code) ?? []), change], tickMs));
    }
    const next: Machine = {
      code,
      name: equipment.equipment_name,
      status: equipment.status,
      tags: equipment.tags,
      sinceMs: known === undefined ? null : isChanged ? tickMs : known.sinceMs,
      reason: isChanged ? null : known.reason,
      plcId: known?.plcId ?? null,
      staleAfterMs: known?.staleAfterMs ?? null,
      stopAfterS: known?.stopAfterS ?? null,
      position: known?.position ?? null,
    };
    machines.set(code, known !== undefined && isSameMachine(known, next) ? known : next);
  }
  return {
    board: {
      ...board,
      ...keepIdentity(board, machines),
      lastUpdatedMs,
      asOf: { serverMs: tickMs, receivedAt },
      tickMs,
      changes: changes ?? board.changes,
    },
    changedCodes,
  };
}

/**
 * Fold in `/api/equipment`. Status and tags are taken from it only when it is not older than the
 * newest tick; since, reason, PLC and position whenever it speaks of the same status.
 */
export function foldEquipment(board: Board, view: EquipmentListView, receivedAt: Instant): Board {
  const atMs = Date.parse(view.at);
  const isNewest = board.tickMs === null || atMs >= board.tickMs;
  const machines = new Map<string, Machine>();
  const lastUpdatedMs = new Map<string, number | null>();
  for (const equipment of view.equipment) {
    const code = equipment.equipment_code;
    const known = board.machines.get(code);
    const base = isNewest || known === undefined ? null : known;
    const isSameStatus = base === null || base.status === equipment.status;
    const next: Machine = {
      code,
      name: equipment.equipment_name,
      status: base?.status ?? equipment.status,
      tags: base?.tags ?? equipment.tags,
      sinceMs: isSameStatus ? parseTimeMs(equipment.since) : (base?.sinceMs ?? null),
      reason: isSameStatus ? equipment.reason : (base?.reason ?? null),
      plcId: equipment.plc,
      staleAfterMs: equipment.stale_after_s * 1_000,
      stopAfterS: equipment.stop_after_s,
      position: equipment.position,
    };
    machines.set(code, known !== undefined && isSameMachine(known, next) ? known : next);
    const heardMs = board.lastUpdatedMs.get(code) ?? null;
    const readMs = parseTimeMs(equipment.last_updated);
    lastUpdatedMs.set(code, isNewest || heardMs === null ? readMs : heardMs);
  }
  // The answer to a tick already heard is the same news, not fresher news.
  const isNews = isNewest && atMs !== board.tickMs;
  const asOf = isNews ? { serverMs: atMs, receivedAt } : board.asOf;
  return { ...board, ...keepIdentity(board, machines), lastUpdatedMs, asOf };
}

/** Fold in `/api/lines/{line}/changes`; what ticks have shown since the answer is kept. */
export function foldChanges(board: Board, view: ChangesView): Board {
  const nowMs = Date.parse(view.now);
  const collected = new Map<string, StatusChange[]>();
  for (const change of view.changes) {
    const list = collected.get(change.equipment_code) ?? [];
    list.push({ atMs: Date.parse(change.at), previous: change.previous, status: change.status });
    collected.set(change.equipment_code, list);
  }
  for (const [code, list] of board.changes) {
    const newestMs = board.tickMs ?? nowMs;
    const newer = list.filter((change) => change.atMs > nowMs && change.atMs <= newestMs);
    if (newer.length > 0) collected.set(code, [...(collected.get(code) ?? []), ...newer]);
  }
  const changes = new Map<string, readonly StatusChange[]>();
  for (const [code, list] of collected) changes.set(code, prune(list, nowMs));
  const observedSinceMsByCode = new Map(
    Object.entries(view.observed_since_by_equipment).map(([code, at]) => [code, Date.parse(at)]),
  );
  return {
    ...board,
    changes,
    observedSinceMs: Date.parse(view.observed_since),
    observedSinceMsByCode,
  };
}

/** Fold in `/api/timeline` of the strip's window: what was before the server began to observe. */
export function foldEarlier(board: Board, view: TimelineView): Board {
  const earlier = new Map<string, readonly Span[]>();
  for (const lane of view.equipment) earlier.set(lane.code, toSpans(lane));
  return { ...board, earlier, earlierSinceMs: view.history.known_from_ms };
}

/** Return one machine's lane as it is answered as spans of a strip; what was deleted by its name. */
export function toSpans(lane: TimelineView['equipment'][number]): readonly Span[] {
  const intervals = lane.intervals.map(([beginMs, endMs, status]) => ({
    beginMs,
    endMs,
    status,
    reason: null,
  }));
  const configured = lane.configured.map(([begin, end]) => [begin, end ?? Infinity] as const);
  return nameUnseen(intervals, configured, lane.kept_from_ms).map(({ beginMs, endMs, status }) => ({
    startMs: beginMs,
    endMs,
    status: isSeen(status) || status === 'deleted' ? status : null,
  }));
}

/** Return the moment before which nothing at all is known of the line. */
export function getKnownSinceMs({ observedSinceMs, earlierSinceMs }: Board): number | null {
  if (observedSinceMs === null || earlierSinceMs === null) return observedSinceMs;
  return Math.min(observedSinceMs, earlierSinceMs);
}

/** Return the moment since when the server has observed one machine without a pause. */
export function getObservedSinceMs(board: Board, code: string): number | null {
  return board.observedSinceMsByCode.get(code) ?? board.observedSinceMs;
}

/** Fold in `/api/plcs`. */
export function foldPlcs(board: Board, view: PlcsView): Board {
  return { ...board, plcs: new Map(view.plcs.map((plc) => [plc.id, plc])) };
}

/** Keep what the strip's window needs: its changes and the last one before it. */
function prune(changes: readonly StatusChange[], nowMs: number): readonly StatusChange[] {
  const windowStartMs = nowMs - STRIP_WINDOW_MS;
  const firstInside = changes.findIndex((change) => change.atMs >= windowStartMs);
  const start = firstInside === -1 ? changes.length - 1 : Math.max(0, firstInside - 1);
  return changes.slice(start).slice(-CHANGES_MAX);
}

function keepIdentity(
  board: Board,
  machines: ReadonlyMap<string, Machine>,
): Pick<Board, 'order' | 'machines'> {
  const order = [...machines.keys()];
  const isSameOrder =
    order.length === board.order.length && order.every((code, i) => board.order[i] === code);
  const isSame =
    isSameOrder && order.every((code) => machines.get(code) === board.machines.get(code));
  return {
    order: isSameOrder ? board.order : order,
    machines: isSame ? board.machines : machines,
  };
}

function isSameMachine(a: Machine, b: Machine): boolean {
  return (
    a.name === b.name &&
    a.status === b.status &&
    a.sinceMs === b.sinceMs &&
    a.plcId === b.plcId &&
    a.staleAfterMs === b.staleAfterMs &&
    a.stopAfterS === b.stopAfterS &&
    a.tags.status_tag === b.tags.status_tag &&
    a.tags.error_tag === b.tags.error_tag &&
    a.tags.connection === b.tags.connection &&
    a.position?.x === b.position?.x &&
    a.position?.y === b.position?.y &&
    isSameReason(a.reason, b.reason)
  );
}

function isSameReason(a: ReasonView | null, b: ReasonView | null): boolean {
  if (a === b) return true;
  if (a === null || b === null) return false;
  return (
    a.code === b.code &&
    a.tag === b.tag &&
    a.value === b.value &&
    a.since === b.since &&
    a.until === b.until &&
    a.detail === b.detail
  );
}
