import { describe, expect, it } from 'vitest';
import { foldTick } from '@/lib/board/board';
import { LineShareMeter } from '@/lib/board/lineShare';
import { buildBoard, buildTick, buildView, instant, START_MS } from '@/lib/testing';

const END_MS = START_MS + 600_000;

describe('LineShareMeter', () => {
  const known = buildBoard(buildView('A', 'running'), buildView('B', 'running'));
  const board = { ...known, observedSinceMs: START_MS };
  const after = foldTick(
    board,
    buildTick(300, buildView('A', 'error'), buildView('B', 'running')),
    instant(300),
  ).board;

  it('measures after a change what it would have measured anew', () => {
    const meter = new LineShareMeter();
    expect(meter.measure(board, new Set(), END_MS).running).toBe(1);
    const again = meter.measure(after, new Set(), END_MS);
    expect(again).toEqual(new LineShareMeter().measure(after, new Set(), END_MS));
    expect(again.running).toBeLessThan(1);
  });

  it('counts what the history knows of the time before', () => {
    const meter = new LineShareMeter();
    const before = meter.measure(board, new Set(), END_MS);
    const span = { status: 'idle', startMs: START_MS - 600_000, endMs: START_MS } as const;
    const told = { ...board, earlier: new Map([['A', [span]]]) };
    const share = meter.measure(told, new Set(), END_MS);
    expect(share.coverage).toBeGreaterThan(before.coverage);
    expect(share.running).toBeCloseTo(2 / 3);
  });

  it('measures anew when time passes, and when the page no longer hears', () => {
    const meter = new LineShareMeter();
    const before = meter.measure(after, new Set(), END_MS);
    expect(meter.measure(after, new Set(), END_MS + 600_000).running).not.toBe(before.running);
    expect(meter.measure(after, new Set(['B']), END_MS).coverage).toBeLessThan(before.coverage);
  });
});
