import { describe, expect, it } from 'vitest';
import {
  emptyBoard,
  foldChanges,
  foldEarlier,
  foldEquipment,
  foldTick,
  getKnownSinceMs,
  getObservedSinceMs,
  STRIP_WINDOW_MS,
} from '@/lib/board/board';
import type { TimelineView } from '@/lib/types/generated';
import { at, buildBoard, buildList, buildTick, buildView, instant, START_MS } from '@/lib/testing';

const running = buildView('A', 'running');
const stopped = buildView('B', 'stopped');

describe('foldTick', () => {
  it('keeps the identity of every machine that did not change', () => {
    const before = buildBoard(running, stopped);
    const { board, changedCodes } = foldTick(
      before,
      buildTick(1, { ...running, last_updated: at(1) }, stopped),
      instant(1),
    );
    expect(changedCodes).toEqual([]);
    expect(board.machines).toBe(before.machines);
    expect(board.order).toBe(before.order);
    expect(board.lastUpdatedMs.get('A')).toBe(START_MS + 1_000);
  });

  it('counts a changed status from the tick and forgets the old reason', () => {
    const before = buildBoard(running, stopped);
    const { board, changedCodes } = foldTick(
      before,
      buildTick(3, buildView('A', 'error'), stopped),
      instant(3),
    );
    expect(changedCodes).toEqual(['A']);
    expect(board.machines.get('A')).toMatchObject({
      status: 'error',
      sinceMs: START_MS + 3_000,
      reason: null,
      plcId: 'PLC01',
    });
    expect(board.machines.get('B')).toBe(before.machines.get('B'));
    expect(board.changes.get('A')).toEqual([
      { atMs: START_MS + 3_000, previous: 'running', status: 'error' },
    ]);
  });

  it('builds a board without REST, and does not invent since when', () => {
    const { board } = foldTick(emptyBoard, buildTick(0, running), instant(0));
    expect(board.machines.get('A')).toMatchObject({ status: 'running', sinceMs: null });
    expect(board.changes.size).toBe(0);
  });

  it('drops machines that are no longer configured', () => {
    const { board } = foldTick(buildBoard(running, stopped), buildTick(1, stopped), instant(1));
    expect(board.order).toEqual(['B']);
    expect(board.lastUpdatedMs.has('A')).toBe(false);
  });
});

describe('foldEquipment', () => {
  it('does not let an answer that is older than the tick turn a status back', () => {
    const ticked = foldTick(buildBoard(running), buildTick(5, stopped), instant(5)).board;
    const now = foldTick(ticked, buildTick(6, buildView('A', 'error')), instant(6)).board;
    const folded = foldEquipment(now, buildList(5, running), instant(6));
    expect(folded.machines.get('A')).toMatchObject({ status: 'error', reason: null });
    expect(folded.asOf?.serverMs).toBe(START_MS + 6_000);
  });

  it('takes since and reason from an older answer about the same status', () => {
    const view = buildView('A', 'error', { since: at(2.5) });
    const now = foldTick(buildBoard(running), buildTick(6, view), instant(6)).board;
    expect(now.machines.get('A')?.sinceMs).toBe(START_MS + 6_000);
    const folded = foldEquipment(now, buildList(5, view), instant(6));
    expect(folded.machines.get('A')?.sinceMs).toBe(START_MS + 2_500);
    expect(folded.machines.get('A')?.reason?.code).toBe('error_tag');
  });
});

describe('foldChanges', () => {
  const change = (seconds: number, previous: 'running' | 'idle', status: 'running' | 'idle') => ({
    equipment_code: 'A',
    at: at(seconds),
    previous,
    status,
    reason: running.reason,
  });
  const view = {
    observed_since: at(-100_000),
    observed_since_by_equipment: { B: at(-50) },
    now: at(10),
    changes: [change(-90_000, 'idle', 'running'), change(-80_000, 'running', 'idle')],
  };

  it('forgets what the strip no longer shows, but the change that still holds', () => {
    const { changes } = foldChanges(emptyBoard, view);
    expect(changes.get('A')).toEqual([
      { atMs: START_MS - 80_000_000, previous: 'running', status: 'idle' },
    ]);
    expect(80_000_000).toBeGreaterThan(STRIP_WINDOW_MS);
  });

  it('keeps changes that ticks have shown since the answer', () => {
    const ticked = foldTick(
      buildBoard(running),
      buildTick(11, buildView('A', 'idle')),
      instant(11),
    );
    const { changes } = foldChanges(ticked.board, view);
    expect(changes.get('A')?.at(-1)).toMatchObject({ atMs: START_MS + 11_000, status: 'idle' });
  });

  it('knows of a machine that was added later since when it is observed', () => {
    const board = foldChanges(emptyBoard, view);
    expect(getObservedSinceMs(board, 'A')).toBe(START_MS - 100_000_000);
    expect(getObservedSinceMs(board, 'B')).toBe(START_MS - 50_000);
  });
});

describe('foldEarlier', () => {
  const view: TimelineView = {
    from_ms: START_MS - 100,
    to_ms: START_MS,
    now_ms: START_MS,
    resolution_ms: 0,
    time_zone: 'Asia/Seoul',
    line_id: 'weld1',
    shifts: [],
    breaks: [],
    alarms: [],
    history: { known_from_ms: START_MS - 5_000, known_until_ms: START_MS, kept_from_ms: null },
    equipment: [
      {
        code: 'A',
        name: 'A',
        plc_id: 'PLC-1',
        kept_from_ms: null,
        configured: [],
        intervals: [
          [START_MS - 100, START_MS - 40, 'running', 'running'],
          [START_MS - 40, START_MS, 'unseen', null],
        ],
      },
    ],
  };

  it('remembers what was before, and of unseen time that it is unseen', () => {
    expect(foldEarlier(emptyBoard, view).earlier.get('A')).toEqual([
      { startMs: START_MS - 100, endMs: START_MS - 40, status: 'running' },
      { startMs: START_MS - 40, endMs: START_MS, status: null },
    ]);
  });

  it('names what was deleted, but not the time before the machine was there', () => {
    const [lane] = view.equipment;
    if (lane === undefined) throw new Error('no lane');
    const configured = [[START_MS - 80, null]] as const;
    const intervals = [
      [START_MS - 100, START_MS - 40, 'unseen', null],
      [START_MS - 40, START_MS, 'running', 'running'],
    ] as const;
    const old = { ...lane, configured, intervals, kept_from_ms: START_MS - 60 };
    expect(foldEarlier(emptyBoard, { ...view, equipment: [old] }).earlier.get('A')).toEqual([
      { startMs: START_MS - 100, endMs: START_MS - 80, status: null },
      { startMs: START_MS - 80, endMs: START_MS - 60, status: 'deleted' },
      { startMs: START_MS - 60, endMs: START_MS - 40, status: null },
      { startMs: START_MS - 40, endMs: START_MS, status: 'running' },
    ]);
  });

  it('knows of the line since the history began, if that was before the server was started', () => {
    const live = { ...emptyBoard, observedSinceMs: START_MS };
    expect(getKnownSinceMs(live)).toBe(START_MS);
    expect(getKnownSinceMs(foldEarlier(live, view))).toBe(START_MS - 5_000);
    const empty = {
      ...view,
      history: { known_from_ms: null, known_until_ms: START_MS, kept_from_ms: null },
    };
    expect(getKnownSinceMs(foldEarlier(live, empty))).toBe(START_MS);
  });
});

describe('what a later answer may not do', () => {
  const view = (seconds: number) => ({
    at: at(seconds),
    sequence: 1,
    news: '1',
    equipment: [buildView('A', 'running', { last_updated: at(seconds - 0.2) })],
  });
  const tick = (seconds: number, lastUpdated: string) => ({
    type: 'equipment_status' as const,
    timestamp: at(seconds),
    equipment: [
      {
        equipment_code: 'A',
        equipment_name: 'A',
        status: 'running' as const,
        tags: { status_tag: 1, error_tag: 0, connection: true },
        last_updated: lastUpdated,
      },
    ],
  });

  it('does not make a tick that was heard before fresh again', () => {
    const { board } = foldTick(emptyBoard, tick(1, at(0.8)), instant(1));
    expect(foldEquipment(board, view(1), instant(6)).asOf?.receivedAt).toEqual(instant(1));
    expect(foldEquipment(board, view(6), instant(6)).asOf?.receivedAt).toEqual(instant(6));
  });

  it('does not take 1970 for a time at which something was read', () => {
    const { board } = foldTick(emptyBoard, tick(1, '1970-01-01T00:00:00.000Z'), instant(1));
    expect(board.lastUpdatedMs.get('A')).toBeNull();
  });
});
