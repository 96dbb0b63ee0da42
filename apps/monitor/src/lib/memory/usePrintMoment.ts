import { useSyncExternalStore } from 'react';
import { flushSync } from 'react-dom';
import { getServerNowMs } from '@/lib/time/serverClock';

let momentMs: number | null = null;

function subscribe(listener: () => void): () => void {
  function take(): void {
    momentMs = getServerNowMs();
    // The sheet is laid out as soon as this event is over.
    flushSync(listener);
  }
  window.addEventListener('beforeprint', take);
  return () => window.removeEventListener('beforeprint', take);
}

/** Return when the page was last sent to a printer; before that, when this was first asked. */
export function usePrintMoment(): number {
  return useSyncExternalStore(subscribe, () => (momentMs ??= getServerNowMs()));
}
