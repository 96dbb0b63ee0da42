/** The REST answers, by the names the server gives them in `web/schema.py`. */
import type { Status } from '@/lib/types/equipment';

export type ReasonCode =
  | 'not_configured'
  | 'never_read'
  | 'plc_lost'
  | 'plc_not_in_run'
  | 'heartbeat_still'
  | 'tag_bad'
  | 'stale'
  | 'unmapped_value'
  | 'error_tag'
  | 'running'
  | 'idle_tag'
  | 'idle_wait'
  | 'stop_elapsed'
  | 'value_map';

export type PlcLink = 'connecting' | 'online' | 'retrying' | 'lost';
export type CpuState = 'run' | 'stop' | 'pause' | 'unknown';
export type Quality = 'good' | 'uncertain' | 'bad';
export type TagRole = 'status_tag' | 'error_tag' | 'idle_tag';
export type Scalar = boolean | number | string;

export interface HealthView {
  readonly status: 'ok' | 'unavailable';
  readonly version: string;
  readonly build: string;
  readonly now: string;
  readonly detail: string;
}

export interface ServerView {
  readonly version: string;
  readonly build: string;
  readonly started_at: string;
  readonly now: string;
  readonly is_demo: boolean;
}

export interface LineView {
  readonly id: string;
  readonly name: string;
  readonly ws_path: string;
  readonly is_default: boolean;
  readonly equipment_count: number;
  readonly counts: Readonly<Partial<Record<Status, number>>>;
  readonly stop_after_s: number | null;
  readonly stale_after_s: number;
  readonly floor_plan_url: string | null;
}

export interface LinesView {
  readonly server: ServerView;
  readonly lines: readonly LineView[];
}

export interface ReasonView {
  readonly code: ReasonCode;
  readonly tag: string | null;
  readonly value: Scalar | null;
  readonly since: string | null;
  readonly until: string | null;
  readonly detail: string;
}

export interface PositionView {
  readonly x: number;
  readonly y: number;
}

export interface EquipmentView {
  readonly equipment_code: string;
  readonly equipment_name: string;
  readonly line: string;
  readonly plc: string | null;
  readonly status: Status;
  readonly since: string;
  readonly reason: ReasonView;
  readonly tags: {
    readonly status_tag: number;
    readonly error_tag: number;
    readonly connection: boolean;
  };
  readonly last_updated: string | null;
  readonly position: PositionView | null;
}

export interface EquipmentListView {
  readonly at: string;
  readonly sequence: number;
  readonly equipment: readonly EquipmentView[];
}

export interface RawTagView {
  readonly role: TagRole;
  readonly address: string;
  readonly value: Scalar | null;
  readonly quality: Quality;
  readonly read_at: string | null;
  readonly reason: string;
}

export interface ChangeView {
  readonly equipment_code: string;
  readonly at: string;
  readonly previous: Status | null;
  readonly status: Status;
  readonly reason: ReasonView;
}

export interface EquipmentDetailView extends EquipmentView {
  readonly at: string;
  readonly raw_tags: readonly RawTagView[];
  readonly stop_after_s: number | null;
  readonly stale_after_s: number;
  readonly observed_since: string;
  readonly changes: readonly ChangeView[];
}

export interface ChangesView {
  readonly observed_since: string;
  readonly now: string;
  readonly changes: readonly ChangeView[];
}

export interface PlcFaultView {
  readonly message: string;
  readonly cause: string;
  readonly end_code: string | null;
  readonly at: string;
}

export interface PlcView {
  readonly id: string;
  readonly driver: string;
  readonly endpoint: string;
  readonly link: PlcLink;
  readonly since: string;
  readonly cpu_state: CpuState;
  readonly period_s: number;
  readonly last_read: string | null;
  readonly last_fault: PlcFaultView | null;
  readonly latency_last_ms: number | null;
  readonly latency_p50_ms: number | null;
  readonly latency_p95_ms: number | null;
  readonly poll_count: number;
  readonly fault_count: number;
  readonly missed_poll_count: number;
  readonly request_count: number;
  readonly requests_per_poll: number;
  readonly reconnect_count: number;
  readonly backoff_s: number | null;
  readonly next_attempt: string | null;
  readonly equipment_codes: readonly string[];
}

export interface PlcsView {
  readonly at: string;
  readonly plcs: readonly PlcView[];
}
