/** From a machine's status and tags to its colour, in the contract's order. Pure. */
import type { Equipment, EquipmentColor, Status } from '@/lib/types/equipment';

type Coloured = Pick<Equipment, 'status' | 'tags'>;

/** Only reached when the tags disagree with the status; the status is then taken at its word. */
const colorOfStatus = {
  disconnected: 'gray',
  error: 'purple',
  stopped: 'red',
  idle: 'yellow',
  running: 'green',
} as const satisfies Record<Status, EquipmentColor>;

const statusOfColor = {
  gray: 'disconnected',
  purple: 'error',
  red: 'stopped',
  yellow: 'idle',
  green: 'running',
} as const satisfies Record<EquipmentColor, Status>;

/** Return the contract's colour: what cannot be seen is gray, and a fault wins over a run bit. */
export function getEquipmentColor(equipment: Coloured): EquipmentColor {
  if (!equipment.tags.connection) return 'gray';
  if (equipment.tags.error_tag === 1) return 'purple';
  return colorOfStatus[equipment.status];
}

/** Return the status whose icon and word go with `color`, so that all three always agree. */
export function getShownStatus(color: EquipmentColor): Status {
  return statusOfColor[color];
}
