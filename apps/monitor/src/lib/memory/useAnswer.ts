import { useCallback, useEffect, useState } from 'react';
import { RestError } from '@/lib/rest/rest';

/** While a view is looked at it is asked for again this often, so that the running shift moves. */
export const REFRESH_MS = 30_000;

export interface Answer<View> {
  /** The newest answer; an older one stays while the next is awaited, or when it fails. */
  readonly view: View | null;
  readonly isLoading: boolean;
  /** Null: the last question was answered. Empty: not, and the server did not say why. */
  readonly error: string | null;
}

/**
 * Ask, and ask again every `periodMs` while the page is visible, and when `reload` is called.
 * `ask` must keep its identity while the question is the same; another question forgets the answer.
 */
export function useAnswer<View>(
  ask: ((signal: AbortSignal) => Promise<View>) | null,
  periodMs: number = REFRESH_MS,
): Answer<View> & { readonly reload: () => void } {
  const [answer, setAnswer] = useState<Answer<View> & { readonly ask: unknown }>(() => ({
    view: null,
    isLoading: true,
    error: null,
    ask,
  }));
  const [round, setRound] = useState(0);
  useEffect(() => {
    if (ask === null) return;
    const stopped = new AbortController();
    const { signal } = stopped;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const wanted = ask;
    async function askNow(): Promise<void> {
      if (document.visibilityState === 'visible') {
        try {
          const view = await wanted(signal);
          if (signal.aborted) return;
          setAnswer({ view, isLoading: false, error: null, ask: wanted });
        } catch (error) {
          if (signal.aborted) return;
          const detail = error instanceof RestError ? error.detail : '';
          setAnswer((last) => ({
            view: last.ask === wanted ? last.view : null,
            isLoading: false,
            error: detail,
            ask: wanted,
          }));
        }
      }
      timer = setTimeout(() => void askNow(), periodMs);
    }
    void askNow();
    return () => {
      stopped.abort();
      clearTimeout(timer);
    };
  }, [ask, periodMs, round]);
  const reload = useCallback(() => setRound((last) => last + 1), []);
  const isCurrent = answer.ask === ask;
  return {
    view: isCurrent ? answer.view : null,
    isLoading: !isCurrent || answer.isLoading,
    error: isCurrent ? answer.error : null,
    reload,
  };
}
