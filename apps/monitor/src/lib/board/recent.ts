/** The newest changes of a line that are worth reading. Pure. */
import type { StatusChange } from '@/lib/board/board';
import type { Status } from '@/lib/types/equipment';

export interface RecentChange {
  readonly code: string;
  readonly change: StatusChange;
}

const NOTABLE: ReadonlySet<Status> = new Set<Status>(['error', 'stopped', 'disconnected']);

/** Return the newest `max` faults, stops and losses, newest first. A machine's start is no change. */
export function listRecent(
  changes: ReadonlyMap<string, readonly StatusChange[]>,
  max: number,
): readonly RecentChange[] {
  const notable: RecentChange[] = [];
  for (const [code, list] of changes) {
    for (const change of list) {
      if (change.previous !== null && NOTABLE.has(change.status)) notable.push({ code, change });
    }
  }
  return notable.sort((a, b) => b.change.atMs - a.change.atMs).slice(0, max);
}
