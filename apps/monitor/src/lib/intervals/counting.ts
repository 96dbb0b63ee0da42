/** Which intervals stand behind which figure. Pure. */
import type { FigureName } from '@/lib/kpi/figures';
import type { CountedIntervalView } from '@/lib/types/generated';

/**
 * Return the intervals that take part in `figure`, above or below the line of its fraction.
 *
 * @param microStops how many micro-stops the window has: they are its shortest stops.
 */
export function listCounted(
  intervals: readonly CountedIntervalView[],
  figure: FigureName | 'unseen',
  microStops: number,
): readonly CountedIntervalView[] {
  if (figure !== 'stops' && figure !== 'micro_stops') {
    return intervals.filter((interval) => isCounted(interval, figure));
  }
  const stops = listStops(intervals);
  const micro = new Set(
    [...stops].sort((a, b) => plannedLengthOf(a) - plannedLengthOf(b)).slice(0, microStops),
  );
  return stops.filter((stop) => micro.has(stop) === (figure === 'micro_stops')).flat();
}

function isCounted(
  { status, is_planned: isPlanned }: CountedIntervalView,
  figure: Exclude<FigureName, 'stops' | 'micro_stops'> | 'unseen',
): boolean {
  const isSeen = status !== 'unseen' && status !== 'disconnected';
  switch (figure) {
    case 'availability':
      return isPlanned && isSeen;
    case 'strict_availability':
      return isPlanned;
    case 'utilisation':
      return isPlanned && isSeen && status !== 'stopped';
    case 'technical_efficiency':
      return isPlanned && (status === 'running' || status === 'error');
    case 'mtbf':
      return status === 'running' || status === 'error';
    case 'mttr':
      return status === 'error';
    case 'unseen':
      return isPlanned && !isSeen;
  }
}

/**
 * Return the stops: unbroken planned time without running, each as its intervals. A stop goes on
 * across time that is not planned, and ends where the machine runs or, in planned time, is not seen.
 */
function listStops(intervals: readonly CountedIntervalView[]): readonly CountedIntervalView[][] {
  const stops: CountedIntervalView[][] = [];
  let open: CountedIntervalView[] | null = null;
  for (const interval of intervals) {
    const { status, is_planned: isPlanned } = interval;
    const isStanding = status === 'idle' || status === 'stopped' || status === 'error';
    if (isPlanned && isStanding) {
      if (open === null) stops.push((open = []));
      open.push(interval);
    } else if (isPlanned || status === 'running') {
      open = null;
    }
  }
  return stops;
}

function plannedLengthOf(stop: readonly CountedIntervalView[]): number {
  return stop.reduce((sum, interval) => sum + lengthOf(interval), 0);
}

/** Return the length of `interval` in milliseconds. */
export function lengthOf({ begin, end }: Pick<CountedIntervalView, 'begin' | 'end'>): number {
  return Date.parse(end) - Date.parse(begin);
}
