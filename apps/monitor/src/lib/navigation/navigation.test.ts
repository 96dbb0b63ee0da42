import { describe, expect, it } from 'vitest';
import { parseRoute, writeRoute } from '@/lib/navigation/navigation';

describe('the address', () => {
  it('says view, line and moment', () => {
    expect(parseRoute('?page=timeline&line=weld1&at=2026-11-23T18:12:05Z')).toEqual({
      view: 'timeline',
      lineId: 'weld1',
      atMs: Date.parse('2026-11-23T18:12:05Z'),
    });
  });

  it('is the present board of the default line where it says nothing', () => {
    expect(parseRoute('')).toEqual({ view: 'board', lineId: null, atMs: null });
  });

  it('leaves out what it does not understand, above all a time without its offset', () => {
    for (const at of ['yesterday', '2026-11-23', '2026-11-23T18:12:05', '1732385525000']) {
      expect(parseRoute(`?at=${at}&page=cellar`)).toEqual(parseRoute(''));
    }
  });

  it('takes an offset, also one whose plus was read as a blank', () => {
    const expected = Date.parse('2026-11-23T18:12:05Z');
    expect(parseRoute('?at=2026-11-24T03:12:05%2B09:00').atMs).toBe(expected);
    expect(parseRoute('?at=2026-11-24T03:12:05+09:00').atMs).toBe(expected);
  });

  it('comes back as it was written, and leaves settings alone', () => {
    const route = { view: 'timeline', lineId: 'a&b', atMs: Date.parse('2026-11-23T18:12:05Z') };
    const written = writeRoute('?lang=en&at=old', { ...route, view: 'timeline' });
    expect(parseRoute(written)).toEqual(route);
    expect(written).toContain('lang=en');
    expect(written).toContain('at=2026-11-23T18:12:05Z');
    expect(writeRoute('?page=timeline', { view: 'board', lineId: null, atMs: null })).toBe('');
  });
});
