import { describe, expect, it } from 'vitest';
import { formatCoverage, formatPercent, roundPercent, roundPercentDown } from '@/lib/kpi/percent';

describe('formatPercent', () => {
  it.each([
    [0.8699, '87.0 %'],
    [0, '0 %'],
    [1, '100 %'],
    [0.99999, '99.9 %'],
    [0.00001, '0.1 %'],
    [0.5, '50.0 %'],
  ])('writes %d as %s: what is not all is never rounded up to all', (share, text) => {
    expect(formatPercent(share)).toBe(text);
  });
});

describe('formatCoverage', () => {
  it.each([
    [0.9496, '94.9 %'],
    [0.95, '95.0 %'],
    [0.9799, '97.9 %'],
    [0.29, '29.0 %'],
    [0.99999, '99.9 %'],
    [1, '100 %'],
    [0.00001, '0.1 %'],
    [0, '0 %'],
  ])('writes %d as %s: what is below a limit never reads as if it reached it', (share, text) => {
    expect(formatCoverage(share)).toBe(text);
  });
});

describe('roundPercent', () => {
  it.each([
    [0.996, 99],
    [1, 100],
    [0.004, 1],
    [0, 0],
    [0.866, 87],
  ])('writes %d as %d: not all is never 100, and some never 0', (share, percent) => {
    expect(roundPercent(share)).toBe(percent);
  });
});

describe('roundPercentDown', () => {
  it.each([
    [0.29, 29],
    [0.57, 57],
    [0.58, 58],
    [0.579, 57],
    [0.9999, 99],
    [1, 100],
  ])('writes %d as %d', (share, percent) => {
    expect(roundPercentDown(share)).toBe(percent);
  });
});
