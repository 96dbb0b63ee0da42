/** The contract's hook: one line's live data, from its address on. */
import { useEffect, useState } from 'react';
import { getConnectionStatus } from '@/lib/connection/connection';
import { useSession } from '@/lib/hooks/useSession';
import { createRest } from '@/lib/rest/rest';
import { type LineSession, LiveSession, type SessionState } from '@/lib/session/lineSession';
import type { ConnectionStatus } from '@/lib/types/equipment';

export interface WebSocketView {
  readonly status: ConnectionStatus;
  /** For boxes, which select their own machine from it and render only when that changes. */
  readonly session: LineSession;
}

/**
 * Connect to `url` for as long as the component lives. Reconnecting, aging and healing are done by
 * the session; after unmount it owns no socket and no timer, and updates nothing.
 */
export function useWebSocket(url: string, lineId: string | null): WebSocketView {
  const [session] = useState(() => new LiveSession({ socketUrl: url, lineId, rest: createRest() }));
  useEffect(() => {
    session.start();
    return () => session.stop();
  }, [session]);
  const status = useSession(session, selectStatus);
  return { status, session };
}

function selectStatus(state: SessionState): ConnectionStatus {
  return getConnectionStatus(state.connection);
}
