import { useCallback } from 'react';
import { memoryRest } from '@/lib/memory/memoryRest';
import { useAnswer } from '@/lib/memory/useAnswer';
import { namePlantZone } from '@/lib/time/zone';

/** Soon again after a server that was not there; else it says what it said. */
const REFRESH_MS = 60_000;

/**
 * Return the IANA name of the plant's time zone, wherever the screen hangs; empty: the screen's own.
 * Null while it is not known: days must not be drawn by one clock and then by another.
 */
export function usePlantZone(lineId: string | null): string | null {
  const ask = useCallback(
    (signal: AbortSignal) => memoryRest.getTimeZone(lineId ?? '', signal),
    [lineId],
  );
  const { view, isLoading } = useAnswer(lineId === null ? null : ask, REFRESH_MS);
  if (view === null && (lineId === null || isLoading)) return null;
  return namePlantZone(view) ?? '';
}
