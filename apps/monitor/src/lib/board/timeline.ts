/** From a list of status changes to the spans of a strip. Pure; times in Unix ms. */
import { STRIP_WINDOW_MS, type StatusChange } from '@/lib/board/board';
import type { Status } from '@/lib/types/equipment';

/** One stretch of one status; null is time that nobody observed, `deleted` what is not kept. */
export interface Span {
  readonly status: Status | 'deleted' | null;
  readonly startMs: number;
  readonly endMs: number;
}

export interface TimelineInput {
  /** Oldest first. */
  readonly changes: readonly StatusChange[];
  readonly status: Status;
  readonly sinceMs: number | null;
  readonly observedSinceMs: number | null;
  readonly startMs: number;
  readonly endMs: number;
  /** What came after was not heard; left out where the page still hears. */
  readonly heardUntilMs?: number;
  /** What the history knows of the time before; in order and without overlap. */
  readonly earlier?: readonly Span[];
}

/** Return the spans that fill [startMs, endMs) without gap or overlap, oldest first. */
export function buildSpans(input: TimelineInput): readonly Span[] {
  return fillBefore(buildObserved(input), input.earlier ?? []);
}

function buildObserved(input: TimelineInput): readonly Span[] {
  const { changes, startMs, endMs } = input;
  const observedMs = input.observedSinceMs ?? endMs;
  const heardMs = Math.min(endMs, input.heardUntilMs ?? endMs);
  const spans: Span[] = [];
  const add = (status: Status | null, fromMs: number, toMs: number): void => {
    const clippedStart = Math.max(startMs, fromMs);
    const clippedEnd = Math.min(endMs, toMs);
    if (clippedEnd <= clippedStart) return;
    const last = spans.at(-1);
    if (last !== undefined && last.status === status) {
      spans[spans.length - 1] = { ...last, endMs: clippedEnd };
    } else {
      spans.push({ status, startMs: clippedStart, endMs: clippedEnd });
    }
  };
  const first = changes[0];
  if (first === undefined) {
    // No change on record: the present status, for as long as it is known to have lasted.
    const knownMs = Math.max(observedMs, input.sinceMs ?? observedMs);
    add(null, startMs, knownMs);
    add(input.status, knownMs, heardMs);
    add(null, Math.max(knownMs, heardMs), endMs);
    return spans;
  }
  add(null, startMs, Math.min(observedMs, first.atMs));
  add(first.previous, Math.min(observedMs, first.atMs), first.atMs);
  changes.forEach((change, index) => {
    add(change.status, change.atMs, changes[index + 1]?.atMs ?? heardMs);
  });
  add(null, Math.max(heardMs, changes.at(-1)?.atMs ?? heardMs), endMs);
  return spans;
}

/**
 * Return `spans` with what was before in place of the unobserved time at their begin. `earlier` is
 * in order and without overlap; what it does not reach stays unobserved.
 */
function fillBefore(spans: readonly Span[], earlier: readonly Span[]): readonly Span[] {
  const [lead, ...rest] = spans;
  const last = earlier.at(-1);
  if (lead === undefined || last === undefined || lead.status !== null) return spans;
  const found = earlier.flatMap((span) => {
    const startMs = Math.max(lead.startMs, span.startMs);
    const endMs = Math.min(lead.endMs, span.endMs);
    return endMs > startMs ? [{ status: span.status, startMs, endMs }] : [];
  });
  const restMs = Math.max(lead.startMs, Math.min(lead.endMs, last.endMs));
  const gap = restMs < lead.endMs ? [{ ...lead, startMs: restMs }] : [];
  const joined: Span[] = [];
  for (const span of [...found, ...gap, ...rest]) {
    const before = joined.at(-1);
    if (before?.status === span.status)
      joined[joined.length - 1] = { ...before, endMs: span.endMs };
    else joined.push(span);
  }
  return joined;
}

export interface Share {
  /** Running time over observed time, 0 to 1; null when nothing was observed. */
  readonly running: number | null;
  /** Observed time over the whole window, 0 to 1. Disconnected time was not observed. */
  readonly coverage: number;
}

/** Milliseconds of one or more timelines. */
export interface Amounts {
  readonly totalMs: number;
  readonly observedMs: number;
  readonly runningMs: number;
}

/** Return how long a timeline is, and how much of it was observed and running. */
export function measureSpans(spans: readonly Span[]): Amounts {
  let totalMs = 0;
  let observedMs = 0;
  let runningMs = 0;
  for (const { startMs, endMs, status } of spans) {
    const lengthMs = endMs - startMs;
    totalMs += lengthMs;
    if (status === null || status === 'deleted' || status === 'disconnected') continue;
    observedMs += lengthMs;
    if (status === 'running') runningMs += lengthMs;
  }
  return { totalMs, observedMs, runningMs };
}

/** Return how much of the observed time the machines ran. Unknown time never counts as running. */
export function measureShare(timelines: readonly Amounts[]): Share {
  let total = 0;
  let observed = 0;
  let running = 0;
  for (const { totalMs, observedMs, runningMs } of timelines) {
    total += totalMs;
    observed += observedMs;
    running += runningMs;
  }
  return {
    running: observed === 0 ? null : running / observed,
    coverage: total === 0 ? 0 : observed / total,
  };
}

export interface StripScale {
  readonly windowMs: number;
  /** Between two marks. */
  readonly stepMs: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** A strip shows eight hours, and while less has been observed, the shortest that holds it all. */
const SCALES: readonly [StripScale, StripScale, StripScale] = [
  { windowMs: STRIP_WINDOW_MS, stepMs: 2 * HOUR_MS },
  { windowMs: 2 * HOUR_MS, stepMs: 30 * MINUTE_MS },
  { windowMs: 30 * MINUTE_MS, stepMs: 10 * MINUTE_MS },
];

/** Return the scale for a line that has been observed since `observedSinceMs`. */
export function chooseScale(observedSinceMs: number | null, nowMs: number): StripScale {
  const observedMs = nowMs - (observedSinceMs ?? Number.NEGATIVE_INFINITY);
  return SCALES.findLast(({ windowMs }) => observedMs <= windowMs) ?? SCALES[0];
}

let lastMarks: { readonly key: string; readonly marks: readonly number[] } | null = null;

/** Return the times inside [startMs, endMs] that are multiples of `stepMs` after `midnightMs`. */
export function listMarks(
  startMs: number,
  endMs: number,
  stepMs: number,
  midnightMs: number,
): readonly number[] {
  // Every strip of a board asks the same question, all within the same second of each minute.
  const key = `${startMs} ${endMs} ${stepMs} ${midnightMs}`;
  if (lastMarks?.key === key) return lastMarks.marks;
  const marks: number[] = [];
  const firstMs = midnightMs + Math.ceil((startMs - midnightMs) / stepMs) * stepMs;
  for (let atMs = firstMs; atMs <= endMs; atMs += stepMs) marks.push(atMs);
  lastMarks = { key, marks };
  return marks;
}
