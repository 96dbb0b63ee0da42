import { useCallback } from 'react';
import { memoryRest } from '@/lib/memory/memoryRest';
import { useAnswer, type Answer } from '@/lib/memory/useAnswer';
import { namePlantZone } from '@/lib/time/zone';
import type { TodayView } from '@/lib/types/generated';

/** Soon again after a server that was not there; else it says what it said. */
const REFRESH_MS = 60_000;

/** Return the day of a line that goes on, as the server says it, and by whose clock. */
export function useToday(lineId: string | null): Answer<TodayView> {
  const ask = useCallback(
    (signal: AbortSignal) => memoryRest.getToday(lineId ?? '', signal),
    [lineId],
  );
  return useAnswer(lineId === null ? null : ask, REFRESH_MS);
}

/**
 * Return the IANA name of the plant's time zone, wherever the screen hangs; empty: the screen's own.
 * Null while it is not known: days must not be drawn by one clock and then by another.
 */
export function usePlantZone(lineId: string | null): string | null {
  const { view, isLoading } = useToday(lineId);
  if (view === null && (lineId === null || isLoading)) return null;
  return namePlantZone(view?.time_zone) ?? '';
}
