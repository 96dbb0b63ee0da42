/** The past as the page knows it: who was in which status from when to when. Times in Unix ms. */
import { namePlantZone } from '@/lib/time/zone';
import type { ReasonCode } from '@/lib/types/generated';
import { type Status, STATUSES } from '@/lib/types/equipment';

/**
 * `unseen`: nobody looked, so nothing is known; never the status before. `deleted`: what was known
 * is not kept any more. Nobody had to look where the machine was not configured yet (`not_yet`), or
 * had been taken out (`taken_out`).
 */
export type LaneStatus = Status | 'unseen' | 'deleted' | 'not_yet' | 'taken_out';

/** Whether somebody saw it, so that it has a colour and a sign. */
export function isSeen(status: LaneStatus): status is Status {
  return !isEmpty(status) && status !== 'unseen' && status !== 'deleted';
}

/** Whether there was nothing to be seen: drawn as nothing. */
export function isEmpty(status: LaneStatus): status is 'not_yet' | 'taken_out' {
  return status === 'not_yet' || status === 'taken_out';
}

/** Every status of a lane, the one that must not be missed first: the server merges in this order. */
export const LANE_STATUSES = [
  'error',
  'stopped',
  'unseen',
  'deleted',
  'disconnected',
  'idle',
  'running',
  'not_yet',
  'taken_out',
] as const satisfies readonly LaneStatus[];

/** The same, worst highest. */
export const SEVERITY = {
  error: 6,
  stopped: 5,
  unseen: 4,
  deleted: 3,
  disconnected: 2,
  idle: 1,
  running: 0,
  not_yet: -1,
  taken_out: -1,
} as const satisfies Record<LaneStatus, number>;

/** [beginMs, endMs): half open. */
export interface Interval {
  readonly beginMs: number;
  readonly endMs: number;
  readonly status: LaneStatus;
  readonly reason: ReasonCode | null;
}

/** One machine's past. Its intervals tile the window: no gap, no overlap, oldest first. */
export interface Lane {
  readonly code: string;
  readonly name: string;
  readonly plcId: string | null;
  readonly intervals: readonly Interval[];
}

export interface Band {
  readonly beginMs: number;
  readonly endMs: number;
  readonly name: string;
}

export interface AlarmMark {
  readonly code: string;
  readonly atMs: number;
  readonly severity: string;
  readonly textKo: string;
  readonly textEn: string;
}

/** `/api/timeline`. */
export interface TimelineAnswer {
  readonly fromMs: number;
  readonly toMs: number;
  /** The server's present; nothing after it is known. */
  readonly nowMs: number;
  readonly lanes: readonly Lane[];
  readonly shifts: readonly Band[];
  readonly breaks: readonly Band[];
  readonly alarms: readonly AlarmMark[];
  /** Nothing is kept of the time before; null where nothing is kept at all. */
  readonly knownFromMs: number | null;
  /** What happened after it is on its way: a window that reaches beyond is to be asked for again. */
  readonly knownUntilMs: number;
  /** The plant's, by its IANA name; null where none is configured. */
  readonly timeZone: string | null;
}

/** The recorder says every few seconds that it watches: unseen time this young is not yet told. */
const UNTOLD_MS = 15_000;

/** What the server sent is not a timeline. */
export class TimelineFormatError extends Error {
  constructor(what: string) {
    super(`not a timeline: ${what}`);
    this.name = 'TimelineFormatError';
  }
}

/** Return what `/api/timeline` answered, parsed once, here. */
export function parseTimeline(value: unknown): TimelineAnswer {
  const answer = asObject(value, 'the answer');
  const nowMs = asNumber(answer.now_ms, 'now_ms');
  const history = asObject(answer.history ?? {}, 'history');
  return {
    fromMs: asNumber(answer.from_ms, 'from_ms'),
    toMs: asNumber(answer.to_ms, 'to_ms'),
    nowMs,
    lanes: asArray(answer.equipment, 'equipment').map((lane) => parseLane(lane, nowMs)),
    shifts: asArray(answer.shifts ?? [], 'shifts').map(parseBand),
    breaks: asArray(answer.breaks ?? [], 'breaks').map(parseBand),
    alarms: asArray(answer.alarms ?? [], 'alarms').map(parseAlarm),
    knownFromMs: typeof history.known_from_ms === 'number' ? history.known_from_ms : null,
    knownUntilMs: asNumber(history.known_until_ms ?? nowMs, 'known_until_ms'),
    timeZone: namePlantZone(answer.time_zone),
  };
}

const statuses: ReadonlySet<unknown> = new Set([...STATUSES, 'unseen']);

function parseLane(value: unknown, nowMs: number): Lane {
  const lane = asObject(value, 'equipment');
  const intervals = asArray(lane.intervals, 'intervals').map(parseInterval);
  const configured = asArray(lane.configured ?? [], 'configured').map(parseConfigured);
  const keptFromMs = typeof lane.kept_from_ms === 'number' ? lane.kept_from_ms : null;
  return {
    code: asString(lane.code, 'code'),
    name: asString(lane.name, 'name'),
    plcId: typeof lane.plc_id === 'string' ? lane.plc_id : null,
    intervals: nameUnseen(dropUntold(intervals, nowMs), configured, keptFromMs),
  };
}

type Span = readonly [beginMs: number, endMs: number];

/**
 * Return `intervals` with what is unseen in them called what it is: before the machine was
 * configured, after it was taken out, deleted, or not seen by anybody.
 */
export function nameUnseen(
  intervals: readonly Interval[],
  configured: readonly Span[],
  keptFromMs: number | null,
): readonly Interval[] {
  return intervals
    .flatMap((each) => emptyOut(each, configured))
    .flatMap((each) => nameDeleted(each, keptFromMs));
}

function parseConfigured(value: unknown): Span {
  const [begin, end] = asArray(value, 'configured');
  const endMs = end === null ? Number.POSITIVE_INFINITY : asNumber(end, 'configured');
  return [asNumber(begin, 'configured'), endMs];
}

/** Cut what nobody saw where the machine was configured, and name the rest for what it is. */
function emptyOut(interval: Interval, configured: readonly Span[]): readonly Interval[] {
  const [first] = configured;
  if (interval.status !== 'unseen' || first === undefined) return [interval];
  const edges = configured.flat().filter((ms) => ms > interval.beginMs && ms < interval.endMs);
  const begins = [interval.beginMs, ...edges];
  return begins.map((beginMs, index) => {
    const isIn = configured.some(([begin, end]) => begin <= beginMs && beginMs < end);
    const empty = beginMs < first[0] ? 'not_yet' : 'taken_out';
    const endMs = begins[index + 1] ?? interval.endMs;
    return { ...interval, beginMs, endMs, status: isIn ? 'unseen' : empty };
  });
}

/** Cut what is not known where changes begin to be kept, and name what lies before as deleted. */
function nameDeleted(interval: Interval, keptFromMs: number | null): readonly Interval[] {
  const { beginMs, endMs, status } = interval;
  if (status !== 'unseen' || keptFromMs === null || beginMs >= keptFromMs) return [interval];
  const deleted: Interval = { ...interval, status: 'deleted' };
  if (endMs <= keptFromMs) return [deleted];
  return [
    { ...deleted, endMs: keptFromMs },
    { ...interval, beginMs: keptFromMs },
  ];
}

/** Without the last seconds that nobody has told of yet: they are not known to be unseen. */
function dropUntold(intervals: readonly Interval[], nowMs: number): readonly Interval[] {
  const last = intervals.at(-1);
  const isUntold =
    last?.status === 'unseen' && last.endMs >= nowMs && last.endMs - last.beginMs <= UNTOLD_MS;
  return isUntold ? intervals.slice(0, -1) : intervals;
}

function parseInterval(value: unknown): Interval {
  const [begin, end, status, reason] = asArray(value, 'interval');
  if (!statuses.has(status)) throw new TimelineFormatError(`status ${String(status)}`);
  return {
    beginMs: asNumber(begin, 'begin_ms'),
    endMs: asNumber(end, 'end_ms'),
    status: status as LaneStatus,
    reason: typeof reason === 'string' ? (reason as ReasonCode) : null,
  };
}

function parseBand(value: unknown): Band {
  const [begin, end, name] = asArray(value, 'shift');
  return {
    beginMs: asNumber(begin, 'begin_ms'),
    endMs: asNumber(end, 'end_ms'),
    name: typeof name === 'string' ? name : '',
  };
}

function parseAlarm(value: unknown): AlarmMark {
  const [code, at, severity, textKo, textEn] = asArray(value, 'alarm');
  return {
    code: typeof code === 'string' ? code : '',
    atMs: asNumber(at, 'at_ms'),
    severity: String(severity ?? ''),
    textKo: typeof textKo === 'string' ? textKo : '',
    textEn: typeof textEn === 'string' ? textEn : '',
  };
}

function asObject(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TimelineFormatError(what);
  }
  return value as Readonly<Record<string, unknown>>;
}

function asArray(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new TimelineFormatError(what);
  return value as readonly unknown[];
}

function asNumber(value: unknown, what: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw new TimelineFormatError(what);
  return value;
}

function asString(value: unknown, what: string): string {
  if (typeof value !== 'string') throw new TimelineFormatError(what);
  return value;
}
