/** What a box shows: its colour, and the status that goes with it, after the page's own doubts. */
import type { ShownMachine } from '@/lib/board/attention';
import type { Machine } from '@/lib/board/board';
import { getEquipmentColor, getShownStatus } from '@/lib/board/getEquipmentColor';
import type { EquipmentColor, Status } from '@/lib/types/equipment';

/** Return the colour of `machine`; one whose data is late is shown as one without connection. */
export function getShownColor(machine: Machine, isLate: boolean): EquipmentColor {
  if (!isLate) return getEquipmentColor(machine);
  return getEquipmentColor({ ...machine, tags: { ...machine.tags, connection: false } });
}

/** Return every machine with the status that its colour says, in configured order. */
export function listShown(
  order: readonly string[],
  machines: ReadonlyMap<string, Machine>,
  lateCodes: ReadonlySet<string>,
): readonly ShownMachine[] {
  return order.flatMap((code) => {
    const machine = machines.get(code);
    if (machine === undefined) return [];
    const isLate = lateCodes.has(code);
    return [{ machine, isLate, status: getShownStatus(getShownColor(machine, isLate)) }];
  });
}

/** Return how many machines show each status. */
export function countStatuses(shown: readonly ShownMachine[]): Readonly<Record<Status, number>> {
  const counts = { running: 0, idle: 0, stopped: 0, error: 0, disconnected: 0 };
  for (const { status } of shown) counts[status] += 1;
  return counts;
}
