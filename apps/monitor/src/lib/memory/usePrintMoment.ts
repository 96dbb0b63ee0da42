import { useSyncExternalStore } from 'react';
import { flushSync } from 'react-dom';

let momentMs = Date.now();

function subscribe(listener: () => void): () => void {
  function take(): void {
    momentMs = Date.now();
    // The sheet is laid out as soon as this event is over.
    flushSync(listener);
  }
  window.addEventListener('beforeprint', take);
  return () => window.removeEventListener('beforeprint', take);
}

/** Return when the page was last sent to a printer; before that, when it was opened. */
export function usePrintMoment(): number {
  return useSyncExternalStore(subscribe, () => momentMs);
}
