/**
 * The WebSocket contract's own words, over the types that the server's schema gives. What comes
 * over the wire is parsed into these, once, in `lib/connection/messages.ts`.
 */
import type {
  ConnectionStatusMessage,
  EquipmentMessage,
  EquipmentStatusMessage,
  PongMessage,
  Status as ServerStatus,
} from '@/lib/types/generated';

export type Status = ServerStatus;
export type Equipment = EquipmentMessage;
export type EquipmentTags = EquipmentMessage['tags'];
export type EquipmentColor = 'gray' | 'purple' | 'red' | 'yellow' | 'green';

/** What the contract's hook may report. */
export type ConnectionStatus = 'connected' | 'reconnecting' | 'failed';

/** `equipment` is only there for clients that read it from every message; the page does not. */
export type ServerMessage =
  EquipmentStatusMessage | Omit<ConnectionStatusMessage, 'equipment'> | PongMessage;

/** Every status, the most urgent first. */
export const STATUSES = [
  'error',
  'stopped',
  'disconnected',
  'idle',
  'running',
] as const satisfies readonly Status[];

/** The order in which people count a line: what works first. */
export const STATUSES_AS_COUNTED = [
  'running',
  'idle',
  'stopped',
  'error',
  'disconnected',
] as const satisfies readonly Status[];
