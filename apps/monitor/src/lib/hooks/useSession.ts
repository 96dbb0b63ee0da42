import { useSyncExternalStore } from 'react';
import type { LineSession, SessionState } from '@/lib/session/lineSession';

/** Select from a session. The component renders only when what it selected changed identity. */
export function useSession<Selected>(
  session: LineSession,
  select: (state: SessionState) => Selected,
): Selected {
  return useSyncExternalStore(session.subscribe, () => select(session.getState()));
}
