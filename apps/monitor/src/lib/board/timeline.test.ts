import { describe, expect, it } from 'vitest';
import type { StatusChange } from '@/lib/board/board';
import {
  type Span,
  buildSpans,
  chooseScale,
  listMarks,
  measureShare,
  measureSpans,
} from '@/lib/board/timeline';

const base = { status: 'running', sinceMs: 0, observedSinceMs: 0, startMs: 0, endMs: 100 } as const;
const changes: readonly StatusChange[] = [
  { atMs: 20, previous: 'running', status: 'error' },
  { atMs: 50, previous: 'error', status: 'running' },
];

describe('buildSpans', () => {
  it('fills the window without gap or overlap', () => {
    const spans = buildSpans({ ...base, changes });
    expect(spans).toEqual([
      { status: 'running', startMs: 0, endMs: 20 },
      { status: 'error', startMs: 20, endMs: 50 },
      { status: 'running', startMs: 50, endMs: 100 },
    ]);
  });

  it('clips the change that began before the window', () => {
    const spans = buildSpans({ ...base, changes, startMs: 30 });
    expect(spans[0]).toEqual({ status: 'error', startMs: 30, endMs: 50 });
  });

  it('says that the time before the first observation is unseen', () => {
    const first: StatusChange = { atMs: 40, previous: null, status: 'idle' };
    expect(buildSpans({ ...base, changes: [first], observedSinceMs: 40 })).toEqual([
      { status: null, startMs: 0, endMs: 40 },
      { status: 'idle', startMs: 40, endMs: 100 },
    ]);
    expect(buildSpans({ ...base, changes: [], sinceMs: 10, observedSinceMs: 60 })[0]).toEqual({
      status: null,
      startMs: 0,
      endMs: 60,
    });
  });

  it('does not go on with the last status once nothing is heard any more', () => {
    expect(buildSpans({ ...base, changes, heardUntilMs: 70 }).at(-1)).toEqual({
      status: null,
      startMs: 70,
      endMs: 100,
    });
    expect(buildSpans({ ...base, changes: [], heardUntilMs: 70 })).toEqual([
      { status: 'running', startMs: 0, endMs: 70 },
      { status: null, startMs: 70, endMs: 100 },
    ]);
  });
});

describe('measureShare', () => {
  it('never counts unseen, deleted or disconnected time as running', () => {
    const spans = [
      { status: 'deleted', startMs: 0, endMs: 20 },
      { status: null, startMs: 20, endMs: 40 },
      { status: 'disconnected', startMs: 40, endMs: 60 },
      { status: 'running', startMs: 60, endMs: 90 },
      { status: 'stopped', startMs: 90, endMs: 100 },
    ] as const;
    expect(measureShare([measureSpans(spans)])).toEqual({ running: 0.75, coverage: 0.4 });
  });

  it('has no figure where nothing was observed', () => {
    expect(measureShare([measureSpans([{ status: null, startMs: 0, endMs: 100 }])])).toEqual({
      running: null,
      coverage: 0,
    });
    expect(measureShare([])).toEqual({ running: null, coverage: 0 });
  });
});

describe('chooseScale', () => {
  const HOUR_MS = 3_600_000;

  it('shows eight hours, and less only while less is known', () => {
    const now = 100 * HOUR_MS;
    expect(chooseScale(0, now).windowMs).toBe(8 * HOUR_MS);
    expect(chooseScale(now - 3 * HOUR_MS, now).windowMs).toBe(8 * HOUR_MS);
    expect(chooseScale(now - HOUR_MS, now).windowMs).toBe(2 * HOUR_MS);
    expect(chooseScale(now - 60_000, now).windowMs).toBe(HOUR_MS / 2);
    expect(chooseScale(null, now).windowMs).toBe(8 * HOUR_MS);
  });
});

describe('what the history knows of before', () => {
  const span = (status: Span['status'], startMs: number, endMs: number): Span => ({
    status,
    startMs,
    endMs,
  });
  const changed: StatusChange = { atMs: 60, previous: 'idle', status: 'running' };
  const live = { ...base, changes: [changed], observedSinceMs: 50 };

  it('takes the place of what nobody observed, up to the first live word', () => {
    const earlier = [span('running', -10, 20), span(null, 20, 30), span('idle', 30, 55)];
    expect(buildSpans({ ...live, earlier })).toEqual([
      span('running', 0, 20),
      span(null, 20, 30),
      span('idle', 30, 60),
      span('running', 60, 100),
    ]);
  });

  it('leaves unobserved what it does not reach', () => {
    expect(buildSpans({ ...live, earlier: [span('running', 0, 40)] }).slice(0, 2)).toEqual([
      span('running', 0, 40),
      span(null, 40, 50),
    ]);
  });

  it('changes nothing that was observed', () => {
    expect(buildSpans({ ...live, earlier: [] })).toEqual(buildSpans(live));
    const whole = { ...live, observedSinceMs: 0 };
    expect(buildSpans({ ...whole, earlier: [span('error', 0, 55)] })).toEqual(buildSpans(whole));
  });
});

describe('listMarks', () => {
  it('stands on whole steps of the clock', () => {
    const start = new Date(2025, 10, 3, 9, 47).getTime();
    const end = new Date(2025, 10, 3, 10, 17).getTime();
    const midnight = new Date(2025, 10, 3).getTime();
    const marks = listMarks(start, end, 600_000, midnight).map((ms) => new Date(ms));
    expect(marks.map((mark) => `${mark.getHours()}:${mark.getMinutes()}`)).toEqual([
      '9:50',
      '10:0',
      '10:10',
    ]);
  });

  it("counts the steps from a midnight that is not the screen's", () => {
    const midnight = Date.UTC(2025, 10, 2, 15);
    const marks = listMarks(midnight, midnight + 9 * 3_600_000, 4 * 3_600_000, midnight);
    expect(marks.map((ms) => (ms - midnight) / 3_600_000)).toEqual([0, 4, 8]);
  });
});
