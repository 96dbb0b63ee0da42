/** The keys of the timeline: through the stretches of a lane, between lanes, and in time. */
import type { KeyboardEvent } from 'react';
import type { Interval } from '@/lib/timeline/model';
import type { ViewportStore } from '@/lib/timeline/viewportStore';

export interface Chosen {
  readonly lane: number;
  readonly interval: Interval;
}

export interface ChartKeysOptions {
  readonly viewport: ViewportStore;
  readonly laneCount: number;
  readonly chosen: Chosen | null;
  /** The intervals of a lane in and around what is seen. */
  readonly getIntervals: (lane: number) => readonly Interval[];
  readonly onChoose: (chosen: Chosen) => void;
  readonly onMoment: (atMs: number) => void;
  readonly onLeave: () => void;
}

const ZOOM_STEP = 0.6;
const PAN_STEP = 0.2;

/** Answer a key press; keys that mean nothing here are left to the browser. */
export function answerChartKey(event: KeyboardEvent, options: ChartKeysOptions): void {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  if (event.target !== event.currentTarget) return;
  if (answerKey(event.key, event.shiftKey, options)) event.preventDefault();
}

function answerKey(key: string, isShift: boolean, options: ChartKeysOptions): boolean {
  const { viewport, chosen } = options;
  const { startMs, endMs } = viewport.get();
  const stepMs = (endMs - startMs) * PAN_STEP;
  switch (key) {
    case '+':
    case '=':
      viewport.zoom(ZOOM_STEP);
      return true;
    case '-':
      viewport.zoom(1 / ZOOM_STEP);
      return true;
    case 'End':
      viewport.showNow();
      return true;
    case 'PageUp':
    case 'PageDown':
      viewport.pan(key === 'PageUp' ? -(endMs - startMs) : endMs - startMs);
      return true;
    case 'ArrowLeft':
    case 'ArrowRight': {
      const direction = key === 'ArrowLeft' ? -1 : 1;
      if (isShift) viewport.pan(direction * stepMs);
      else choose(neighbour(options, direction), options);
      return true;
    }
    case 'ArrowUp':
    case 'ArrowDown':
      choose(otherLane(options, key === 'ArrowUp' ? -1 : 1), options);
      return true;
    case 'Enter':
    case ' ':
      if (chosen === null) return false;
      options.onMoment(Math.ceil(chosen.interval.beginMs / 1_000) * 1_000);
      return true;
    case 'Escape':
      if (chosen === null) return false;
      options.onLeave();
      return true;
    default:
      return false;
  }
}

function choose(chosen: Chosen | null, { viewport, onChoose }: ChartKeysOptions): void {
  if (chosen === null) return;
  const { startMs, endMs } = viewport.get();
  const { beginMs, endMs: untilMs } = chosen.interval;
  if (untilMs <= startMs) viewport.reveal(untilMs - 1);
  else if (beginMs >= endMs) viewport.reveal(beginMs);
  onChoose(chosen);
}

/** Return the newest stretch of the first lane, to begin with. */
function begin({ getIntervals, viewport }: ChartKeysOptions, lane: number): Chosen | null {
  const { endMs } = viewport.get();
  const interval = getIntervals(lane).findLast(({ beginMs }) => beginMs < endMs);
  return interval === undefined ? null : { lane, interval };
}

function neighbour(options: ChartKeysOptions, direction: 1 | -1): Chosen | null {
  const { chosen, getIntervals } = options;
  if (chosen === null) return begin(options, 0);
  const intervals = getIntervals(chosen.lane);
  const { beginMs, endMs } = chosen.interval;
  const interval =
    direction === 1
      ? intervals.find((other) => other.beginMs >= endMs)
      : intervals.findLast((other) => other.endMs <= beginMs);
  return interval === undefined ? null : { lane: chosen.lane, interval };
}

function otherLane(options: ChartKeysOptions, direction: 1 | -1): Chosen | null {
  const { chosen, laneCount, getIntervals, viewport } = options;
  if (chosen === null) return begin(options, 0);
  const lane = chosen.lane + direction;
  if (lane < 0 || lane >= laneCount) return null;
  const { startMs, endMs } = viewport.get();
  const { beginMs, endMs: untilMs } = chosen.interval;
  const atMs = (Math.max(startMs, beginMs) + Math.min(endMs, untilMs)) / 2;
  const interval = getIntervals(lane).find((other) => other.endMs > atMs && other.beginMs <= atMs);
  return interval === undefined ? begin(options, lane) : { lane, interval };
}
