import { describe, expect, it } from 'vitest';
import { foldChanges } from '@/lib/board/board';
import { listRecent } from '@/lib/board/recent';
import { at, buildBoard, buildView } from '@/lib/testing';
import type { Status } from '@/lib/types/equipment';

const REASON = { code: 'running', tag: null, value: null, since: null, until: null, detail: '' };

function list(...changes: readonly (readonly [string, number, Status | null, Status])[]) {
  const machines = buildBoard(
    buildView('A', 'running', { plc: 'PLC01' }),
    buildView('B', 'running', { plc: 'PLC01' }),
    buildView('C', 'running', { plc: 'PLC02' }),
  );
  const board = foldChanges(machines, {
    observed_since: at(-100),
    observed_since_by_equipment: {},
    now: at(0),
    changes: changes.map(([code, seconds, previous, status]) => ({
      equipment_code: code,
      at: at(seconds),
      previous,
      status,
      reason: { ...REASON, code: 'running' as const },
    })),
  });
  return listRecent(board.changes, board.machines, 3).map(
    ({ codes, plcId, change }) => [codes.join('+'), plcId, change.status] as const,
  );
}

describe('listRecent', () => {
  it('tells the newest first and only what matters', () => {
    expect(
      list(
        ['A', -30, 'running', 'error'],
        ['A', -20, 'error', 'running'],
        ['C', -10, 'idle', 'stopped'],
      ),
    ).toEqual([
      ['C', null, 'stopped'],
      ['A', null, 'error'],
    ]);
  });

  it('does not call the first sight of a machine a change', () => {
    expect(list(['A', -30, null, 'error'])).toEqual([]);
  });

  it('tells the loss of a PLC once, however many machines went with it', () => {
    expect(
      list(
        ['A', -5, 'running', 'disconnected'],
        ['B', -5, 'idle', 'disconnected'],
        ['C', -5, 'running', 'disconnected'],
      ),
    ).toEqual([
      ['A+B', 'PLC01', 'disconnected'],
      ['C', null, 'disconnected'],
    ]);
  });

  it('keeps faults of one second apart', () => {
    expect(list(['A', -5, 'running', 'error'], ['B', -5, 'running', 'error'])).toHaveLength(2);
  });

  it('counts every machine of a PLC even where its loss is the last that is told', () => {
    expect(
      list(
        ['A', -30, 'running', 'disconnected'],
        ['C', -20, 'running', 'error'],
        ['C', -10, 'running', 'error'],
        ['B', -30, 'running', 'disconnected'],
      ),
    ).toEqual([
      ['C', null, 'error'],
      ['C', null, 'error'],
      ['A+B', 'PLC01', 'disconnected'],
    ]);
  });

  it('stops at the maximum', () => {
    const many = [1, 2, 3, 4, 5].map((n) => ['A', -n * 5, 'running', 'error'] as const);
    expect(list(...many)).toHaveLength(3);
  });
});
