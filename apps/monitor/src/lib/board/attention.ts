/** What needs someone, the worst and longest first. Pure. */
import type { Machine } from '@/lib/board/board';
import type { PlcView, ReasonCode } from '@/lib/types/generated';
import type { Status } from '@/lib/types/equipment';

/** A machine as it is shown: `status` is what its colour says, not what the server last said. */
export interface ShownMachine {
  readonly machine: Machine;
  readonly status: Status;
  readonly isLate: boolean;
}

export type AttentionItem =
  | {
      readonly kind: 'machine';
      readonly status: Status;
      readonly sinceMs: number | null;
      readonly machine: Machine;
    }
  | {
      readonly kind: 'plc';
      readonly status: 'disconnected';
      readonly sinceMs: number | null;
      readonly plcId: string;
      readonly codes: readonly string[];
      readonly reason: ReasonCode | null;
    }
  | {
      readonly kind: 'page';
      readonly status: 'disconnected';
      readonly sinceMs: number | null;
      readonly codes: readonly string[];
    };

const URGENCY: Readonly<Partial<Record<Status, number>>> = {
  error: 0,
  stopped: 1,
  disconnected: 2,
};

const PLC_REASONS: ReadonlySet<ReasonCode> = new Set<ReasonCode>([
  'plc_lost',
  'plc_not_in_run',
  'heartbeat_still',
  'stale',
  'never_read',
]);

/**
 * Return the list. Machines that went dark with one PLC are one line, and machines that only the
 * page cannot hear are one line too: each is one event, however many boxes it turns gray.
 */
export function listAttention(
  shown: readonly ShownMachine[],
  plcs: ReadonlyMap<string, PlcView>,
  deafSinceMs: number | null,
): readonly AttentionItem[] {
  const items: AttentionItem[] = [];
  const darkByPlc = new Map<string, Machine[]>();
  const lateCodes: string[] = [];
  for (const { machine, status, isLate } of shown) {
    if (URGENCY[status] === undefined) continue;
    if (isLate) {
      lateCodes.push(machine.code);
    } else if (status === 'disconnected' && machine.plcId !== null && isPlcAtFault(machine, plcs)) {
      const group = darkByPlc.get(machine.plcId) ?? [];
      group.push(machine);
      darkByPlc.set(machine.plcId, group);
    } else {
      items.push({ kind: 'machine', status, sinceMs: machine.sinceMs, machine });
    }
  }
  for (const [plcId, machines] of darkByPlc) {
    const [first] = machines;
    if (first !== undefined && machines.length === 1) {
      const { sinceMs } = first;
      items.push({ kind: 'machine', status: 'disconnected', sinceMs, machine: first });
      continue;
    }
    items.push({
      kind: 'plc',
      status: 'disconnected',
      sinceMs: earliest(machines),
      plcId,
      codes: machines.map((machine) => machine.code),
      reason: machines.find((machine) => machine.reason !== null)?.reason?.code ?? null,
    });
  }
  if (lateCodes.length > 0) {
    items.push({ kind: 'page', status: 'disconnected', sinceMs: deafSinceMs, codes: lateCodes });
  }
  items.sort(compareUrgency);
  // While the page cannot hear, nothing else on the list is sure to be true any more.
  return items.sort((a, b) => Number(b.kind === 'page') - Number(a.kind === 'page'));
}

function isPlcAtFault(machine: Machine, plcs: ReadonlyMap<string, PlcView>): boolean {
  if (machine.reason !== null) return PLC_REASONS.has(machine.reason.code);
  const plc = plcs.get(machine.plcId ?? '');
  return plc !== undefined && plc.link !== 'online';
}

function earliest(machines: readonly Machine[]): number | null {
  const known = machines.flatMap((machine) => (machine.sinceMs === null ? [] : [machine.sinceMs]));
  return known.length === 0 ? null : Math.min(...known);
}

function compareUrgency(a: AttentionItem, b: AttentionItem): number {
  const byStatus = (URGENCY[a.status] ?? 9) - (URGENCY[b.status] ?? 9);
  if (byStatus !== 0) return byStatus;
  return (a.sinceMs ?? Number.MAX_SAFE_INTEGER) - (b.sinceMs ?? Number.MAX_SAFE_INTEGER);
}
