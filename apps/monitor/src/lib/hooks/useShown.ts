import { listShown } from '@/lib/board/shown';
import type { ShownMachine } from '@/lib/board/attention';
import { useSession } from '@/lib/hooks/useSession';
import type { LineSession, SessionState } from '@/lib/session/lineSession';

interface Listed {
  readonly order: SessionState['board']['order'];
  readonly lateCodes: SessionState['lateCodes'];
  readonly shown: readonly ShownMachine[];
}

/** The list made last for each state of a line's machines, so that it is made once for all who ask. */
const listed = new WeakMap<SessionState['board']['machines'], Listed>();

/** Return every machine as it is shown; a new list only when a machine or its lateness changes. */
export function useShown(session: LineSession): readonly ShownMachine[] {
  return useSession(session, selectShown);
}

function selectShown({ board, lateCodes }: SessionState): readonly ShownMachine[] {
  const { order, machines } = board;
  const last = listed.get(machines);
  if (last?.order === order && last.lateCodes === lateCodes) return last.shown;
  const shown = listShown(order, machines, lateCodes);
  listed.set(machines, { order, lateCodes, shown });
  return shown;
}
