/** The socket's border: text in, one of the contract's messages out, or null. Pure. */
import type { Equipment, EquipmentTags, ServerMessage, Status } from '@/lib/types/equipment';

type Fields = Readonly<Record<string, unknown>>;

const STATUS_WORDS: ReadonlySet<string> = new Set<Status>([
  'running',
  'idle',
  'stopped',
  'error',
  'disconnected',
]);

/** Return the message that `data` carries, or null when it breaks the contract in any place. */
export function parseMessage(data: unknown): ServerMessage | null {
  if (typeof data !== 'string') return null;
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch {
    return null;
  }
  if (!isFields(value) || !isTime(value.timestamp)) return null;
  switch (value.type) {
    case 'equipment_status':
      return parseEquipmentStatus(value, value.timestamp);
    case 'connection_status':
      return parseConnectionStatus(value, value.timestamp);
    case 'pong':
      return { type: 'pong', timestamp: value.timestamp };
    default:
      return null;
  }
}

function parseEquipmentStatus(fields: Fields, timestamp: string): ServerMessage | null {
  if (!Array.isArray(fields.equipment)) return null;
  const equipment: Equipment[] = [];
  const codes = new Set<string>();
  for (const item of fields.equipment as readonly unknown[]) {
    const parsed = parseEquipment(item);
    // One bad machine makes the whole tick doubtful; the next one is a second away.
    if (parsed === null || codes.has(parsed.equipment_code)) return null;
    codes.add(parsed.equipment_code);
    equipment.push(parsed);
  }
  return { type: 'equipment_status', timestamp, equipment };
}

function parseConnectionStatus(fields: Fields, timestamp: string): ServerMessage | null {
  const { status, message } = fields;
  if (status !== 'connected' && status !== 'disconnected' && status !== 'error') return null;
  if (typeof message !== 'string') return null;
  return { type: 'connection_status', timestamp, status, message };
}

function parseEquipment(value: unknown): Equipment | null {
  if (!isFields(value)) return null;
  const { equipment_code, equipment_name, status, last_updated } = value;
  const tags = parseTags(value.tags);
  if (typeof equipment_code !== 'string' || equipment_code === '') return null;
  if (typeof equipment_name !== 'string') return null;
  if (!isStatus(status) || !isTime(last_updated) || tags === null) return null;
  return { equipment_code, equipment_name, status, tags, last_updated };
}

function parseTags(value: unknown): EquipmentTags | null {
  if (!isFields(value)) return null;
  const { status_tag, error_tag, connection } = value;
  if (typeof status_tag !== 'number' || typeof error_tag !== 'number') return null;
  if (typeof connection !== 'boolean') return null;
  return { status_tag, error_tag, connection };
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isStatus(value: unknown): value is Status {
  return typeof value === 'string' && STATUS_WORDS.has(value);
}

function isTime(value: unknown): value is string {
  return typeof value === 'string' && !Number.isNaN(Date.parse(value));
}
