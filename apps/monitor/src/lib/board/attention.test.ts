import { describe, expect, it } from 'vitest';
import { listAttention } from '@/lib/board/attention';
import type { Board } from '@/lib/board/board';
import { countStatuses, listShown } from '@/lib/board/shown';
import { at, buildBoard, buildPlc, buildView, START_MS } from '@/lib/testing';

const NONE: ReadonlySet<string> = new Set();
const list = (board: Board, late: ReadonlySet<string> = NONE) =>
  listAttention(listShown(board.order, board.machines, late), board.plcs, START_MS);

describe('listAttention', () => {
  it('leaves out what runs and what merely waits', () => {
    expect(list(buildBoard(buildView('A', 'running'), buildView('B', 'idle')))).toEqual([]);
  });

  it('puts the worst first, and among equals the longest', () => {
    const items = list(
      buildBoard(
        buildView('lost', 'disconnected', { since: at(-900) }),
        buildView('short', 'error', { since: at(-10) }),
        buildView('stop', 'stopped', { since: at(-500) }),
        buildView('long', 'error', { since: at(-90) }),
      ),
    );
    const codes = items.map((item) => (item.kind === 'machine' ? item.machine.code : item.kind));
    expect(codes).toEqual(['long', 'short', 'stop', 'lost']);
  });

  it('shows the machines of one lost PLC as one event', () => {
    const items = list(
      buildBoard(
        buildView('A', 'disconnected', { plc: 'PLC02', since: at(-30) }),
        buildView('B', 'disconnected', { plc: 'PLC02', since: at(-40) }),
        buildView('C', 'disconnected', { plc: 'PLC03' }),
      ),
    );
    expect(items).toHaveLength(2);
    expect(items).toContainEqual(
      expect.objectContaining({
        kind: 'plc',
        plcId: 'PLC02',
        codes: ['A', 'B'],
        sinceMs: START_MS - 40_000,
      }),
    );
    expect(items).toContainEqual(expect.objectContaining({ kind: 'machine' }));
  });

  it('does not blame the PLC for a machine with a bad tag of its own', () => {
    const reason = { ...buildView('A', 'disconnected').reason, code: 'tag_bad' } as const;
    const items = list(
      buildBoard(
        buildView('A', 'disconnected', { reason }),
        buildView('B', 'disconnected', { reason }),
      ),
    );
    expect(items.map((item) => item.kind)).toEqual(['machine', 'machine']);
  });

  it('groups by the state of the PLC before REST has told the reason', () => {
    const board = buildBoard(buildView('A', 'disconnected'), buildView('B', 'disconnected'));
    const machines = new Map(
      [...board.machines].map(([code, machine]) => [code, { ...machine, reason: null }]),
    );
    const plcs = new Map([['PLC01', buildPlc('PLC01', { link: 'lost' })]]);
    expect(list({ ...board, machines, plcs })).toMatchObject([{ kind: 'plc', codes: ['A', 'B'] }]);
  });

  it('says first and once that the page itself cannot hear', () => {
    const board = buildBoard(buildView('A', 'running'), buildView('B', 'error'));
    expect(list(board, new Set(['A']))).toMatchObject([
      { kind: 'page', codes: ['A'], sinceMs: START_MS },
      { kind: 'machine', status: 'error' },
    ]);
  });
});

describe('countStatuses', () => {
  it('counts what is shown: a late machine is offline, whatever was last heard of it', () => {
    const board = buildBoard(buildView('A', 'running'), buildView('B', 'running'));
    const shown = listShown(board.order, board.machines, new Set(['A']));
    expect(countStatuses(shown)).toEqual({
      running: 1,
      idle: 0,
      stopped: 0,
      error: 0,
      disconnected: 1,
    });
  });
});
