import { describe, expect, it } from 'vitest';
import { getFigure, getUnseenMs, listShares } from '@/lib/kpi/figures';
import type { KpisView } from '@/lib/types/generated';

const words = { day: ' d', hour: ' h', minute: ' min', second: ' s' };

const KPIS: KpisView = {
  availability: 0.8699,
  coverage: 0.9881,
  is_sufficient: true,
  strict_availability: 0.8595,
  utilisation: 0.8914,
  technical_efficiency: 0.9048,
  mtbf_ms: 110 * 60_000,
  mttr_ms: 1_600_000,
  oee: null,
  failures: 3,
  stops: 3,
  stop_ms: 51 * 60_000,
  micro_stops: 2,
  micro_stop_ms: 180_000,
  planned_busy_ms: 420 * 60_000,
  running_ms: 361 * 60_000,
  idle_ms: 6 * 60_000,
  stopped_ms: 10 * 60_000,
  error_ms: 38 * 60_000,
  disconnected_ms: 3 * 60_000,
  failures_kept_from: null,
  unseen_ms: 2 * 60_000,
};

describe('getFigure', () => {
  it('shows a figure that can be believed', () => {
    expect(getFigure(KPIS, 'availability', words)).toEqual({ text: '87.0 %', why: null });
    expect(getFigure(KPIS, 'mtbf', words)).toEqual({ text: '1 h 50 min', why: null });
    expect(getFigure(KPIS, 'mttr', words)).toEqual({ text: '26 min 40 s', why: null });
    expect(getFigure(KPIS, 'stops', words)).toEqual({ text: '3', why: null });
  });

  it('shows no availability where less than 95 % was seen, however good it looks', () => {
    const dim = { ...KPIS, availability: 1, coverage: 0.9499, is_sufficient: false };
    expect(getFigure(dim, 'availability', words)).toEqual({ text: null, why: 'insufficient' });
  });

  it('says why there is no figure, and never writes nothing as zero', () => {
    const unplanned: KpisView = {
      ...KPIS,
      availability: null,
      coverage: null,
      is_sufficient: false,
      strict_availability: null,
      utilisation: null,
      technical_efficiency: null,
      mtbf_ms: null,
      mttr_ms: null,
    };
    expect(getFigure(unplanned, 'availability', words).why).toBe('noPlan');
    expect(getFigure(unplanned, 'strict_availability', words).why).toBe('noPlan');
    expect(getFigure(unplanned, 'utilisation', words).why).toBe('noPlan');
    expect(getFigure(unplanned, 'mtbf', words)).toEqual({ text: null, why: 'fewFailures' });
    expect(getFigure({ ...unplanned, failures: null }, 'mttr', words).why).toBe('deleted');
    const unseen = { ...unplanned, coverage: 0 };
    expect(getFigure(unseen, 'availability', words).why).toBe('nothingSeen');
    expect(getFigure(unseen, 'technical_efficiency', words).why).toBe('nothingSeen');
    expect(getFigure({ ...unplanned, coverage: 1 }, 'utilisation', words).why).toBe('neverBusy');
  });
});

describe('listShares', () => {
  it('tiles the planned time, and keeps what was not seen apart', () => {
    const shares = listShares(KPIS);
    expect(shares.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1);
    expect(shares.map(({ name }) => name)).toContain('unseen');
    expect(getUnseenMs(KPIS)).toBe(5 * 60_000);
  });

  it('leaves out what took no time', () => {
    expect(listShares({ ...KPIS, unseen_ms: 0 }).map(({ name }) => name)).not.toContain('unseen');
  });
});
