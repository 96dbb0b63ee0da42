import { useCallback, useMemo } from 'react';
import { toSpans } from '@/lib/board/board';
import type { Span } from '@/lib/board/timeline';
import { memoryRest } from '@/lib/memory/memoryRest';
import { useAnswer } from '@/lib/memory/useAnswer';

/** What is over does not change; a history that is behind catches up some time. */
const PERIOD_MS = 5 * 60_000;
const NOTHING: readonly Span[] = [];

/**
 * Return what the history knows of a machine from `startMs` until the server began to observe it
 * live; nothing while it is asked, and where there is no history.
 */
export function useEarlier(
  code: string,
  startMs: number,
  observedSinceMs: number | null,
): readonly Span[] {
  const isWanted = observedSinceMs !== null && observedSinceMs > startMs;
  const ask = useCallback(
    (signal: AbortSignal) => {
      const [from, to] = [startMs, observedSinceMs ?? startMs].map((ms) =>
        new Date(ms).toISOString(),
      );
      return memoryRest.getTimeline({ code, from, to }, signal);
    },
    [code, startMs, observedSinceMs],
  );
  const { view } = useAnswer(isWanted ? ask : null, PERIOD_MS);
  const lane = view?.equipment[0];
  return useMemo(() => (lane === undefined ? NOTHING : toSpans(lane)), [lane]);
}
