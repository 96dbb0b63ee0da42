import { createContext, use } from 'react';
import { formatHourMinute } from '@/lib/time/format';

/** How a moment is written: the screen's clock for the present, the plant's around the past. */
export const ClockContext = createContext<(unixMs: number) => string>(formatHourMinute);

/** Return how to write a moment as "10:30", on the clock of what is around. */
export function useClock(): (unixMs: number) => string {
  return use(ClockContext);
}
