import { describe, expect, it } from 'vitest';
import { type Board, foldTick } from '@/lib/board/board';
import { initialConnection } from '@/lib/connection/connection';
import { judge, type Judged } from '@/lib/session/judge';
import { at, buildBoard, buildTick, buildView, instant, START_MS } from '@/lib/testing';

const live = { ...initialConnection, phase: 'live', socket: 'open' } as const;
const START_S = START_MS / 1_000;
const nothing: Judged = { lateCodes: new Set(), lateSinceMs: null, nowS: START_S, dataAgeMs: null };

const tickAt = (board: Board, seconds: number): Board =>
  foldTick(
    board,
    buildTick(seconds, buildView('A', 'running', { last_updated: at(seconds) })),
    instant(seconds),
  ).board;

function judgeAt(before: Judged, old: Board, board: Board, seconds: number): Judged {
  const evidence = { connection: live, line: { stale_after_s: 3 } };
  return judge({ ...before, ...evidence, board: old }, { ...evidence, board }, instant(seconds));
}

describe('judge', () => {
  const first = tickAt(buildBoard(buildView('A', 'running')), 10);
  const second = tickAt(first, 11);
  const atFirst = judgeAt(nothing, first, first, 10);

  it('lets the seconds wait for the tick, so that all changes with it', () => {
    expect(atFirst.nowS).toBe(START_S + 10);
    expect(judgeAt(atFirst, first, first, 11.2)).toEqual(atFirst);
    expect(judgeAt(atFirst, first, second, 11.2).nowS).toBe(START_S + 11);
  });

  it('counts on by itself when a tick is overdue, and does not count that second twice', () => {
    const overdue = judgeAt(atFirst, first, first, 11.6);
    expect(overdue.nowS).toBe(START_S + 11);
    expect(judgeAt(overdue, first, second, 11.7).nowS).toBe(START_S + 11);
  });

  it('does not lose a second to a tick that was sent a moment early', () => {
    const early = foldTick(
      first,
      { ...buildTick(11, buildView('A', 'running')), timestamp: at(10.98) },
      instant(10.98),
    );
    expect(judgeAt(atFirst, first, early.board, 10.98).nowS).toBe(START_S + 11);
  });

  it('follows a clock that was set back', () => {
    expect(judgeAt({ ...atFirst, nowS: START_S + 900 }, first, second, 11).nowS).toBe(START_S + 11);
  });

  it('believes nothing after a sleep, and says since when', () => {
    const woken = judgeAt(atFirst, first, first, 3_600);
    expect([...woken.lateCodes]).toEqual(['A']);
    expect(woken.lateSinceMs).toBe(START_MS + 3_600_000);
    expect(woken.nowS).toBe(START_S + 3_600);
  });

  it('keeps the identity of what did not change', () => {
    const woken = judgeAt(atFirst, first, first, 3_600);
    expect(judgeAt(woken, first, first, 3_601).lateCodes).toBe(woken.lateCodes);
  });
});
