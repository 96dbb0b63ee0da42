/** From a list of status changes to the spans of a strip. Pure; times in Unix ms. */
import type { StatusChange } from '@/lib/board/board';
import type { Status } from '@/lib/types/equipment';

/** One stretch of one status; null is time that nobody observed. */
export interface Span {
  readonly status: Status | null;
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
}

/** Return the spans that fill [startMs, endMs) without gap or overlap, oldest first. */
export function buildSpans(input: TimelineInput): readonly Span[] {
  const { changes, startMs, endMs } = input;
  const observedMs = input.observedSinceMs ?? endMs;
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
    add(input.status, knownMs, endMs);
    return spans;
  }
  add(null, startMs, Math.min(observedMs, first.atMs));
  add(first.previous, Math.min(observedMs, first.atMs), first.atMs);
  changes.forEach((change, index) => {
    add(change.status, change.atMs, changes[index + 1]?.atMs ?? endMs);
  });
  return spans;
}

export interface Share {
  /** Running time over observed time, 0 to 1; null when nothing was observed. */
  readonly running: number | null;
  /** Observed time over the whole window, 0 to 1. Disconnected time was not observed. */
  readonly coverage: number;
}

/** Return how much of the observed time the machines ran. Unknown time never counts as running. */
export function measureShare(timelines: ReadonlyArray<readonly Span[]>): Share {
  let total = 0;
  let observed = 0;
  let running = 0;
  for (const span of timelines.flat()) {
    const lengthMs = span.endMs - span.startMs;
    total += lengthMs;
    if (span.status === null || span.status === 'disconnected') continue;
    observed += lengthMs;
    if (span.status === 'running') running += lengthMs;
  }
  return {
    running: observed === 0 ? null : running / observed,
    coverage: total === 0 ? 0 : observed / total,
  };
}

/** Return the whole hours, in the screen's time zone, inside [startMs, endMs], every `step` hours. */
export function listHourMarks(startMs: number, endMs: number, step: number): readonly number[] {
  const marks: number[] = [];
  const first = new Date(startMs);
  first.setMinutes(0, 0, 0);
  for (let atMs = first.getTime(); atMs <= endMs; atMs += 3_600_000) {
    if (atMs >= startMs && new Date(atMs).getHours() % step === 0) marks.push(atMs);
  }
  return marks;
}
