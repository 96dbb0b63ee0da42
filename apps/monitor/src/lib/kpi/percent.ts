/** Shares in percent, as people read them. What is not all is never told as all. Pure. */

/** Return a share to a tenth: neither is some rounded to none, nor what is not all to all. */
export function formatPercent(share: number): string {
  return write(Math.round(share * 1_000) / 10, share);
}

/**
 * Return how much was seen, to a tenth and rounded down: what is below a limit, such as that of
 * an availability that can be believed, never reads as if it reached it.
 */
export function formatCoverage(share: number): string {
  return write(roundDown(share * 1_000) / 10, share);
}

/** Return a share in whole percent, for where there is little room. */
export function roundPercent(share: number): number {
  const rounded = Math.round(share * 100);
  if (rounded >= 100 && share < 1) return 99;
  return rounded <= 0 && share > 0 ? 1 : rounded;
}

/** Return a share in whole percent, rounded down. */
export function roundPercentDown(share: number): number {
  return roundDown(share * 100);
}

function write(percent: number, share: number): string {
  if (percent >= 100 && share < 1) return '99.9 %';
  if (percent <= 0 && share > 0) return '0.1 %';
  return `${percent === 100 || percent === 0 ? String(percent) : percent.toFixed(1)} %`;
}

/** 0.29 * 100 is 28.999999999999996: what is a whole number but for that is one. */
const LEAST = 1e-9;

function roundDown(value: number): number {
  return Math.floor(value + LEAST);
}
