import type { ReactNode } from 'react';
import { useMemoryStrings } from '@/lib/i18n/useMemoryStrings';
import type { Answer } from '@/lib/memory/useAnswer';
import controls from './controls.module.css';

interface LoadedProps<View> {
  readonly answer: Answer<View> & { readonly reload: () => void };
  readonly children: (view: View) => ReactNode;
}

/** What was asked for, that it is on its way, or why it is not there and what can be done. */
export function Loaded<View>({ answer, children }: LoadedProps<View>) {
  const words = useMemoryStrings();
  const { view, error, isLoading } = answer;
  return (
    <>
      {error !== null && (
        <p role="alert" className={controls.refused}>
          {words.failed(error)}{' '}
          <button
            type="button"
            className={`${controls.button} ${controls.small}`}
            onClick={answer.reload}
          >
            {words.retry}
          </button>
        </p>
      )}
      {view === null
        ? isLoading && <p className={controls.soft}>{words.loading}</p>
        : children(view)}
    </>
  );
}
