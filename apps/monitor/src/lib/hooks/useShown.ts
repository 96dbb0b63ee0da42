import { useMemo } from 'react';
import type { ShownMachine } from '@/lib/board/attention';
import { listShown } from '@/lib/board/shown';
import { useSession } from '@/lib/hooks/useSession';
import type { LineSession } from '@/lib/session/lineSession';

/** Return every machine as it is shown; a new list only when a machine or its lateness changes. */
export function useShown(session: LineSession): readonly ShownMachine[] {
  const order = useSession(session, (state) => state.board.order);
  const machines = useSession(session, (state) => state.board.machines);
  const lateCodes = useSession(session, (state) => state.lateCodes);
  return useMemo(() => listShown(order, machines, lateCodes), [order, machines, lateCodes]);
}
