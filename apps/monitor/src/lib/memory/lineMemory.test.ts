import { describe, expect, it } from 'vitest';
import { alarmsOfPages, isUnacknowledged, listMachineAlarms } from '@/lib/memory/lineMemory';
import type { AlarmView } from '@/lib/types/generated';

const alarm = (id: number, facts: Partial<AlarmView>): AlarmView =>
  ({
    id,
    kind: 'equipment',
    code: 'A',
    plc_id: 'PLC01',
    is_on: true,
    raised: `2026-11-25T03:00:0${id}.000Z`,
    ...facts,
  }) as AlarmView;

describe('the alarms of a machine', () => {
  it('are its own, the newest first', () => {
    const alarms = [alarm(1, {}), alarm(2, { code: 'B' }), alarm(3, { is_on: false })];
    expect(listMachineAlarms(alarms, 'A', 'PLC01').map(({ id }) => id)).toEqual([3, 1]);
  });

  it('are also that of its PLC, for as long as it is lost', () => {
    const lost = { kind: 'plc', code: null } as const;
    const alarms = [
      alarm(1, lost),
      alarm(2, { ...lost, is_on: false }),
      alarm(3, { ...lost, plc_id: 'PLC02' }),
    ];
    expect(listMachineAlarms(alarms, 'A', 'PLC01').map(({ id }) => id)).toEqual([1]);
    expect(listMachineAlarms(alarms, 'A', null)).toEqual([]);
  });

  it('wait for somebody also when the fault has gone by itself', () => {
    expect(isUnacknowledged({ state: 'returned_unacknowledged' })).toBe(true);
    expect(isUnacknowledged({ state: 'acknowledged' })).toBe(false);
    expect(isUnacknowledged({ state: 'shelved' })).toBe(false);
  });
});

describe('the alarms of several pages', () => {
  it('are there once, as the later page tells, the last raised first', () => {
    const raisedAt = (second: number) => ({ last_raised: `2026-11-25T03:01:0${second}.000Z` });
    const pages = [
      { alarms: [alarm(3, raisedAt(3)), alarm(1, raisedAt(2))] },
      { alarms: [alarm(2, raisedAt(1)), alarm(1, { ...raisedAt(9), is_on: false })] },
    ];
    const found = alarmsOfPages(pages);
    expect(found.map(({ id }) => id)).toEqual([1, 3, 2]);
    expect(found[0]?.is_on).toBe(false);
  });
});
