import { describe, expect, it } from 'vitest';
import { ALL_SHIFTS, parsePlace, writePlace } from '@/lib/place/place';
import { findNeighbour } from '@/lib/place/shifts';

describe('the place in the address', () => {
  it('is read and written alike', () => {
    const search = '?line=weld1&page=report&day=2026-11-24&shift=night';
    const place = parsePlace(search);
    expect(place).toEqual({ view: 'report', day: '2026-11-24', shift: 'night', code: null });
    expect(writePlace('?line=weld1', place)).toBe(search);
  });

  it('tells a shift that is called all from the whole day', () => {
    const search = '?page=report&shift=all';
    expect(parsePlace(search).shift).not.toBe(ALL_SHIFTS);
    expect(writePlace('', parsePlace(search))).toBe(search);
    expect(writePlace('', { ...parsePlace(search), shift: ALL_SHIFTS })).toBe('?page=report');
  });

  it('leaves out what is not understood', () => {
    const place = parsePlace('?page=report&day=2026-02-31');
    expect(place).toEqual({ view: 'report', day: null, shift: ALL_SHIFTS, code: null });
    expect(parsePlace('?page=nowhere').view).toBe('board');
  });

  it('keeps the line and the settings, and forgets what the next view does not look at', () => {
    const search = '?lang=en&line=weld1&page=report&day=2026-11-24&at=2026-11-24T03:00:00Z';
    const place = { ...parsePlace(search), view: 'machine', code: 'M1' } as const;
    expect(writePlace(search, place)).toBe('?lang=en&line=weld1&page=machine&code=M1');
  });
});

describe('findNeighbour', () => {
  const shifts = [{ id: 'day' }, { id: 'night' }];

  it('steps from whole day to whole day', () => {
    expect(findNeighbour(shifts, ALL_SHIFTS, 1)).toEqual({ shift: ALL_SHIFTS, dayStep: 1 });
    expect(findNeighbour([], ALL_SHIFTS, -1)).toEqual({ shift: ALL_SHIFTS, dayStep: -1 });
  });

  it('steps from shift to shift, and on to the next day', () => {
    expect(findNeighbour(shifts, 'day', 1)).toEqual({ shift: 'night', dayStep: 0 });
    expect(findNeighbour(shifts, 'night', 1)).toEqual({ shift: 'day', dayStep: 1 });
    expect(findNeighbour(shifts, 'day', -1)).toEqual({ shift: 'night', dayStep: -1 });
  });

  it('keeps the shift on a day that does not have it', () => {
    expect(findNeighbour([], 'night', 1)).toEqual({ shift: 'night', dayStep: 1 });
  });
});
