/** The newest changes of a line that are worth reading. Pure. */
import type { Machine, StatusChange } from '@/lib/board/board';
import type { Status } from '@/lib/types/equipment';

/** One event: a machine's change, or the loss of one PLC with all the machines that went with it. */
export interface RecentChange {
  readonly codes: readonly [string, ...string[]];
  /** The PLC that several machines were lost with; null for the change of one machine. */
  readonly plcId: string | null;
  readonly change: StatusChange;
}

const NOTABLE: ReadonlySet<Status> = new Set<Status>(['error', 'stopped', 'disconnected']);

/** Return the newest `max` faults, stops and losses, newest first. A machine's start is no change. */
export function listRecent(
  changes: ReadonlyMap<string, readonly StatusChange[]>,
  machines: ReadonlyMap<string, Machine>,
  max: number,
): readonly RecentChange[] {
  const events = new Map<string, RecentChange>();
  for (const [code, list] of changes) {
    const plcId = machines.get(code)?.plcId ?? null;
    for (const change of list) {
      if (change.previous === null || !NOTABLE.has(change.status)) continue;
      const isLoss = change.status === 'disconnected' && plcId !== null;
      const second = Math.floor(change.atMs / 1_000);
      const key = isLoss ? `${plcId} ${second}` : `${code} ${change.atMs}`;
      const known = events.get(key);
      events.set(
        key,
        known === undefined
          ? { codes: [code], plcId: null, change }
          : { codes: [...known.codes, code], plcId, change: known.change },
      );
    }
  }
  return [...events.values()].sort((a, b) => b.change.atMs - a.change.atMs).slice(0, max);
}
