/** From one shift to the one before or after it. Pure. */
import { ALL_SHIFTS } from '@/lib/place/place';

export interface Neighbour {
  readonly shift: string;
  /** Days to go: -1, 0 or 1. */
  readonly dayStep: -1 | 0 | 1;
}

/**
 * Return where a step leads from `shift` of a day with `shifts`, in the order of the day. Whole days
 * are followed by whole days. Past the first or last shift it is the neighbouring day's, of which
 * the last or first is taken to be the same as this day's.
 */
export function findNeighbour(
  shifts: ReadonlyArray<{ readonly id: string }>,
  shift: string,
  step: 1 | -1,
): Neighbour {
  const index = shifts.findIndex(({ id }) => id === shift);
  if (shift === ALL_SHIFTS || index === -1) return { shift, dayStep: step };
  const next = shifts[index + step];
  if (next !== undefined) return { shift: next.id, dayStep: 0 };
  const wrapped = step === 1 ? shifts[0] : shifts.at(-1);
  return { shift: wrapped?.id ?? shift, dayStep: step };
}
