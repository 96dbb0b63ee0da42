import { describe, expect, it } from 'vitest';
import { getObservedSinceMs } from '@/lib/board/board';
import { buildSpans } from '@/lib/board/timeline';
import type { Interval, Lane, LaneStatus } from '@/lib/timeline/model';
import { buildMoment, foldBoardAt, reachesMoment } from '@/lib/timeline/moment';
import { buildList, buildView } from '@/lib/testing';

const lane = (
  code: string,
  ...parts: ReadonlyArray<readonly [LaneStatus, number, number]>
): Lane => ({
  code,
  name: `Name ${code}`,
  plcId: 'PLC01',
  intervals: parts.map(([status, beginMs, endMs]): Interval => ({
    status,
    beginMs,
    endMs,
    reason: null,
  })),
});
const frame = { order: ['A', 'B'], positions: new Map() };
const lanes = [
  lane('B', ['running', 0, 100], ['unseen', 100, 200], ['idle', 200, 300], ['running', 300, 400]),
  lane('A', ['running', 0, 150], ['error', 150, 400]),
  lane('OLD', ['stopped', 0, 400]),
];

describe('the board of a moment', () => {
  it('shows each machine as it was, to the millisecond', () => {
    expect(buildMoment(lanes, 149, 0, frame).board.machines.get('A')?.status).toBe('running');
    const { board } = buildMoment(lanes, 150, 0, frame);
    expect(board.machines.get('A')).toMatchObject({
      status: 'error',
      sinceMs: 150,
      tags: { error_tag: 1, connection: true },
    });
  });

  it('keeps the order of today, and machines that are gone at the end', () => {
    expect(buildMoment(lanes, 10, 0, frame).board.order).toEqual(['A', 'B', 'OLD']);
  });

  it('never shows what nobody saw as the status before', () => {
    const { board, unseenCodes } = buildMoment(lanes, 150, 0, frame);
    expect([...unseenCodes]).toEqual(['B']);
    expect(board.machines.get('B')?.tags.connection).toBe(false);
  });

  it('leaves a machine out while it was not configured: nobody could have seen it', () => {
    const late = lane('A', ['not_yet', 0, 10], ['unseen', 10, 20], ['running', 20, 30]);
    expect(buildMoment([late], 5, 0, frame)).toMatchObject({
      board: { order: [] },
      unseenCodes: new Set(),
    });
    expect(buildMoment([late], 15, 0, frame).unseenCodes).toEqual(new Set(['A']));
  });

  it('tells what is only on its way into the history from what nobody saw', () => {
    expect(reachesMoment(lanes, 399)).toBe(true);
    expect(reachesMoment(lanes, 400)).toBe(false);
    expect(reachesMoment([lane('GONE', ['running', 0, 100]), ...lanes], 399)).toBe(true);
    expect(reachesMoment([], 399)).toBe(true);
  });

  it('knows nothing of a moment that is not loaded', () => {
    const { unseenCodes } = buildMoment(lanes, 1_000, 0, frame);
    expect([...unseenCodes].sort()).toEqual(['A', 'B', 'OLD']);
  });

  it('does not say since when, where that was before what is loaded', () => {
    expect(buildMoment(lanes, 10, 0, frame).board.machines.get('A')?.sinceMs).toBeNull();
  });

  it('counts a status over the changes of its reason', () => {
    const idle = lane('A', ['running', 0, 10], ['idle', 10, 20], ['idle', 20, 30]);
    expect(buildMoment([idle], 25, 0, frame).board.machines.get('A')?.sinceMs).toBe(10);
  });

  it('gives the strip of a box no more than was seen without a gap', () => {
    const { board } = buildMoment(lanes, 350, 0, frame);
    const spans = buildSpans({
      changes: board.changes.get('B') ?? [],
      status: 'running',
      sinceMs: 300,
      observedSinceMs: getObservedSinceMs(board, 'B'),
      startMs: 0,
      endMs: 350,
    });
    expect(spans).toEqual([
      { status: null, startMs: 0, endMs: 200 },
      { status: 'idle', startMs: 200, endMs: 300 },
      { status: 'running', startMs: 300, endMs: 350 },
    ]);
  });

  it('lets the strip of a box say what was deleted', () => {
    const old = lane('C', ['not_yet', 0, 50], ['deleted', 50, 200], ['idle', 200, 400]);
    for (const [atMs, ownMs] of [
      [350, 200],
      [150, 150],
    ] as const) {
      const { board } = buildMoment([old, ...lanes], atMs, 0, frame);
      const spans = buildSpans({
        changes: board.changes.get('C') ?? [],
        status: 'idle',
        sinceMs: null,
        observedSinceMs: getObservedSinceMs(board, 'C'),
        startMs: 0,
        endMs: atMs,
        earlier: board.earlier.get('C') ?? [],
      });
      expect(spans.slice(0, 2)).toEqual([
        { status: null, startMs: 0, endMs: 50 },
        { status: 'deleted', startMs: 50, endMs: ownMs },
      ]);
      expect(board.earlier.has('B')).toBe(false);
    }
  });

  it('takes reason and tags from the board of the same moment, where both agree', () => {
    const moment = buildMoment(lanes, 160, 0, frame);
    const view = buildList(0, buildView('A', 'error'), buildView('B', 'running'));
    const { machines } = foldBoardAt(moment, view).board;
    expect(machines.get('A')?.reason?.code).toBe('error_tag');
    expect(machines.get('B')?.reason).toBeNull();
    const disagreeing = buildList(0, buildView('A', 'running'));
    expect(foldBoardAt(moment, disagreeing).board.machines.get('A')?.reason).toBeNull();
  });
});
