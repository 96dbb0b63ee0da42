import { type RefCallback, useCallback } from 'react';
import type { LineSession, SessionState } from '@/lib/session/lineSession';

/**
 * Return a ref for an element without children: `select`'s text is written into it, past React, as
 * often as it changes. For what counts in every box at once, where five hundred renders would
 * change five hundred text nodes. `select` must keep its identity between renders.
 */
export function useLiveText(
  session: LineSession,
  select: (state: SessionState) => string,
): RefCallback<HTMLElement> {
  return useCallback(
    (element: HTMLElement | null) => {
      if (element === null) return;
      const node = document.createTextNode(select(session.getState()));
      element.append(node);
      const unsubscribe = session.subscribe(() => {
        const text = select(session.getState());
        if (node.data !== text) node.data = text;
        // A translator may have put something else into its place.
        if (node.parentNode !== element) element.replaceChildren(node);
      });
      return () => {
        unsubscribe();
        node.remove();
      };
    },
    [session, select],
  );
}
