/** The WebSocket contract's own words. What comes over the wire is parsed into these, once. */

export type Status = 'running' | 'idle' | 'stopped' | 'error' | 'disconnected';

export type EquipmentColor = 'gray' | 'purple' | 'red' | 'yellow' | 'green';

/** What the contract's hook may report. */
export type ConnectionStatus = 'connected' | 'reconnecting' | 'failed';

export interface EquipmentTags {
  readonly status_tag: number;
  readonly error_tag: number;
  readonly connection: boolean;
}

export interface Equipment {
  readonly equipment_code: string;
  readonly equipment_name: string;
  readonly status: Status;
  readonly tags: EquipmentTags;
  readonly last_updated: string;
}

export interface EquipmentStatusMessage {
  readonly type: 'equipment_status';
  readonly timestamp: string;
  readonly equipment: readonly Equipment[];
}

export interface ConnectionStatusMessage {
  readonly type: 'connection_status';
  readonly timestamp: string;
  readonly status: 'connected' | 'disconnected' | 'error';
  readonly message: string;
}

export interface PongMessage {
  readonly type: 'pong';
  readonly timestamp: string;
}

export type ServerMessage = EquipmentStatusMessage | ConnectionStatusMessage | PongMessage;

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
