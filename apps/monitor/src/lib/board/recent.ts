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

interface Tail {
  readonly max: number;
  readonly changes: readonly StatusChange[];
}

/** What was found in a list of changes; such a list is never changed but replaced. */
const tails = new WeakMap<readonly StatusChange[], Tail>();

/** Return the newest `max` faults, stops and losses, newest first. A machine's start is no change. */
export function listRecent(
  changes: ReadonlyMap<string, readonly StatusChange[]>,
  machines: ReadonlyMap<string, Machine>,
  max: number,
): readonly RecentChange[] {
  const candidates: Array<readonly [code: string, change: StatusChange]> = [];
  for (const [code, list] of changes) {
    // Each of a machine's changes is an event of its own, so no older one can be among the newest.
    for (const change of getTail(list, max)) candidates.push([code, change]);
  }
  candidates.sort(([, a], [, b]) => b.atMs - a.atMs);
  const events = new Map<string, { codes: [string, ...string[]]; change: StatusChange }>();
  let oldestSecond = Number.POSITIVE_INFINITY;
  for (const [code, change] of candidates) {
    const plcId = machines.get(code)?.plcId ?? null;
    const isLoss = change.status === 'disconnected' && plcId !== null;
    const second = Math.floor(change.atMs / 1_000);
    const key = isLoss ? `${plcId} ${second}` : `${code} ${change.atMs}`;
    const known = events.get(key);
    if (known !== undefined) {
      known.codes.push(code);
    } else if (events.size < max) {
      events.set(key, { codes: [code], change });
      oldestSecond = second;
    } else if (second < oldestSecond) break;
  }
  return [...events.values()].map(({ codes, change }) => {
    const plcId = codes.length > 1 ? (machines.get(codes[0])?.plcId ?? null) : null;
    return { codes, plcId, change };
  });
}

/** Return the newest `max` notable changes of one machine, newest first. */
function getTail(list: readonly StatusChange[], max: number): readonly StatusChange[] {
  const known = tails.get(list);
  if (known?.max === max) return known.changes;
  const changes: StatusChange[] = [];
  for (let index = list.length - 1; index >= 0 && changes.length < max; index -= 1) {
    const change = list[index];
    if (change !== undefined && change.previous !== null && NOTABLE.has(change.status)) {
      changes.push(change);
    }
  }
  tails.set(list, { max, changes });
  return changes;
}
