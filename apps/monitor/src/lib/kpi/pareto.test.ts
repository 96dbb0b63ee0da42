import { describe, expect, it } from 'vitest';
import { buildPareto } from '@/lib/kpi/pareto';
import type { ParetoRowView } from '@/lib/types/generated';

const words = {
  unexplained: 'No reason',
  others: (count: number) => `${count} others`,
  isEnglish: true,
};
const row = (code: string | null, minutes: number, count = 1): ParetoRowView => ({
  code,
  name: `이름 ${code}`,
  name_en: code === null ? null : `Name ${code}`,
  down_ms: minutes * 60_000,
  count,
});

describe('buildPareto', () => {
  it('puts the largest first and adds up to all', () => {
    const bars = buildPareto([row('a', 10), row('b', 30), row('c', 60)], 8, words);
    expect(bars.map(({ code }) => code)).toEqual(['c', 'b', 'a']);
    expect(bars.map(({ share }) => share)).toEqual([0.6, 0.3, 0.1]);
    expect(bars.map(({ cumulative }) => cumulative)).toEqual([0.6, 0.9, 1]);
  });

  it('adds up the smallest as others, last whatever they come to', () => {
    const rows = [row('a', 40, 2), ...['b', 'c', 'd', 'e'].map((code) => row(code, 15, 3))];
    const bars = buildPareto(rows, 3, words);
    expect(bars.map(({ name }) => name)).toEqual(['Name a', 'Name b', '3 others']);
    expect(bars.at(-1)).toMatchObject({ downMs: 45 * 60_000, count: 9, cumulative: 1, code: null });
  });

  it('cuts nothing where all fit', () => {
    expect(buildPareto([row('a', 1), row('b', 1)], 2, words)).toHaveLength(2);
  });

  it('leaves out causes without downtime, and is empty without any', () => {
    expect(buildPareto([row('a', 0), row('b', 5)], 8, words)).toHaveLength(1);
    expect(buildPareto([row('a', 0)], 8, words)).toEqual([]);
  });

  it('says so where nobody has given a reason, and uses the language of the page', () => {
    expect(buildPareto([row(null, 5)], 8, words)[0]?.name).toBe('No reason');
    const korean = buildPareto([row('a', 5)], 8, { ...words, isEnglish: false });
    expect(korean[0]?.name).toBe('이름 a');
  });

  it('keeps the order of names among equals, however the rows came', () => {
    const [a, b] = [row('a', 5), row('b', 5)];
    expect(buildPareto([b, a], 8, words)).toEqual(buildPareto([a, b], 8, words));
  });
});
