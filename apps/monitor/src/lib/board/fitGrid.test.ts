import { describe, expect, it } from 'vitest';
import { fitGrid } from '@/lib/board/fitGrid';

const limits = { gapPx: 10, minWidthPx: 96, minHeightPx: 84, aspect: 0.82 };

describe('fitGrid', () => {
  it.each([
    [1550, 1000],
    [1020, 650],
  ])('lays 17 machines out as six by three in %i x %i', (width, height) => {
    expect(fitGrid(17, width, height, limits)).toEqual({ columns: 6, rows: 3, fits: true });
  });

  it.each([1, 2, 5, 17, 40, 100])('has room for %i machines without scrolling', (count) => {
    const fit = fitGrid(count, 1550, 1000, limits);
    expect(fit.fits).toBe(true);
    expect(fit.columns * fit.rows).toBeGreaterThanOrEqual(count);
    expect(fit.columns * (fit.rows - 1)).toBeLessThan(count);
  });

  it('scrolls rather than shrink boxes below what can be read', () => {
    expect(fitGrid(500, 1550, 1000, limits)).toMatchObject({ columns: 14, fits: false });
  });

  it('survives a space that has not been measured yet, and an empty line', () => {
    expect(fitGrid(17, 0, 0, limits).columns).toBe(1);
    expect(fitGrid(0, 1550, 1000, limits).columns).toBe(1);
  });
});
