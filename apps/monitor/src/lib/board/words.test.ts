import { describe, expect, it } from 'vitest';
import { announceChanges } from '@/lib/board/announce';
import { getReasonFacts } from '@/lib/board/reasonFacts';
import { listShown } from '@/lib/board/shown';
import { en } from '@/lib/i18n/en';
import { ko } from '@/lib/i18n/ko';
import { at, buildBoard, buildView, START_MS } from '@/lib/testing';
import type { Status } from '@/lib/types/equipment';

describe('announceChanges', () => {
  const codes = ['A', 'B', 'C', 'D', 'E'];
  const shown = (status: Status) => {
    const board = buildBoard(...codes.map((code) => buildView(code, status)));
    return listShown(board.order, board.machines, new Set());
  };
  const before = (status: Status) => new Map(codes.map((code) => [code, status]));

  it('says nothing of a first sight or of a tick without change', () => {
    expect(announceChanges(new Map(), shown('running'), en)).toBe('');
    expect(announceChanges(before('running'), shown('running'), en)).toBe('');
  });

  it('names the machines, and counts when there are many', () => {
    const one = new Map(before('error')).set('A', 'running');
    expect(announceChanges(one, shown('error'), en)).toBe('Name A: Fault');
    expect(announceChanges(before('running'), shown('error'), en)).toBe('5 machines Fault');
  });
});

describe('the sentence of a reason', () => {
  const view = buildView('A', 'idle', { since: at(-48), stop_after_s: 300 });
  const reason = { ...view.reason, tag: 'M105', value: 0, since: at(-48), until: at(252) };
  const machine = buildBoard(view).machines.get('A');
  if (machine === undefined) throw new Error('the board has no machine A');
  const facts = (strings: typeof ko, stopAfterS: number | null) =>
    getReasonFacts({ ...machine, stopAfterS }, reason, { nowS: START_MS / 1_000, strings });

  it("says a machine's own limit, not its line's", () => {
    const own = buildBoard(buildView('A', 'stopped', { stop_after_s: 10, stale_after_s: 60 }));
    const stopped = own.machines.get('A');
    if (stopped === undefined) throw new Error('the board has no machine A');
    const said = getReasonFacts(stopped, reason, { nowS: START_MS / 1_000, strings: ko });
    expect(ko.reason.stop_elapsed(said)).toBe('10초 넘게 비가동');
    expect(said.staleAfter).toBe('1분');
  });

  it('says in Korean how long is left, with the particles that the words ask for', () => {
    expect(ko.reason.idle_wait(facts(ko, 300))).toBe('대기 · 4:12 후 정지');
    expect(ko.why.idle_wait(facts(ko, 300))).toBe(
      '상태 태그 M105가 0이지만 멈춘 지 5분이 되지 않아 아직 비가동입니다.',
    );
  });

  it('says in English that a machine never becomes stopped', () => {
    const never = { ...facts(en, null), left: null };
    expect(en.why.idle_wait(never)).toContain('stays idle');
    expect(en.reason.idle_wait(never)).toBe('Waiting');
  });

  it('says outside of a shift when work is planned again, if it is known', () => {
    expect(ko.reason.outside_shift(facts(ko, 300))).toBe('근무 시간 아님 · 4:12 후 시작');
    expect(ko.why.outside_shift(facts(ko, 300))).toContain('정지가 아니라 비가동');
    const unknown = { ...facts(en, 300), left: null };
    expect(en.reason.outside_shift(unknown)).toBe('No work planned');
    expect(en.why.outside_shift(unknown)).not.toContain('again');
    expect(en.why.outside_shift(facts(en, 300))).toContain('planned again in 4:12');
  });
});
