/** What the tests of this folder build their boards from. Not part of the page. */
import { type Board, emptyBoard, foldEquipment } from '@/lib/board/board';
import type { Instant } from '@/lib/time/instant';
import type { Status } from '@/lib/types/equipment';
import type {
  EquipmentListView,
  EquipmentStatusMessage,
  EquipmentView,
  PlcView,
  ReasonCode,
} from '@/lib/types/generated';

export const START_MS = Date.parse('2025-11-03T10:00:00.000Z');

export const at = (seconds: number): string => new Date(START_MS + seconds * 1_000).toISOString();

/** `seconds` after the start on both clocks of the page. */
export const instant = (seconds: number): Instant => ({
  monotonicMs: 5_000 + seconds * 1_000,
  wallMs: START_MS + seconds * 1_000,
});

export function buildView(code: string, status: Status, change: Partial<EquipmentView> = {}) {
  const codes: Record<Status, ReasonCode> = {
    running: 'running',
    idle: 'idle_wait',
    stopped: 'stop_elapsed',
    error: 'error_tag',
    disconnected: 'plc_lost',
  };
  const view: EquipmentView = {
    equipment_code: code,
    equipment_name: `Name ${code}`,
    line: 'weld1',
    plc: 'PLC01',
    status,
    since: at(-60),
    reason: { code: codes[status], tag: 'M100', value: 1, since: at(-60), until: null, detail: '' },
    tags: {
      status_tag: status === 'running' ? 1 : 0,
      error_tag: status === 'error' ? 1 : 0,
      connection: status !== 'disconnected',
    },
    last_updated: at(0),
    stale_after_s: 3,
    stop_after_s: 300,
    position: null,
    ...change,
  };
  return view;
}

export const buildList = (seconds: number, ...equipment: EquipmentView[]): EquipmentListView => ({
  at: at(seconds),
  news: '1',
  sequence: seconds,
  equipment,
});

export const buildBoard = (...equipment: EquipmentView[]): Board =>
  foldEquipment(emptyBoard, buildList(0, ...equipment), instant(0));

export const buildTick = (seconds: number, ...views: EquipmentView[]): EquipmentStatusMessage => ({
  type: 'equipment_status',
  timestamp: at(seconds),
  equipment: views.map(({ equipment_code, equipment_name, status, tags, last_updated }) => ({
    equipment_code,
    equipment_name,
    status,
    tags,
    last_updated: last_updated ?? '1970-01-01T00:00:00.000Z',
  })),
});

export function buildPlc(id: string, change: Partial<PlcView> = {}): PlcView {
  return {
    id,
    driver: 'melsec',
    endpoint: '192.168.3.39:5010 TCP 3E binary',
    link: 'online',
    since: at(-600),
    cpu_state: 'run',
    period_s: 0.5,
    last_read: at(0),
    last_fault: null,
    latency_last_ms: 2,
    latency_p50_ms: 2,
    latency_p95_ms: 4,
    data_age_last_ms: 8,
    data_age_p50_ms: 8,
    data_age_p95_ms: 11,
    lead_ms: 7,
    late_poll_count: 0,
    poll_count: 10,
    fault_count: 0,
    missed_poll_count: 0,
    request_count: 20,
    requests_per_poll: 2,
    reconnect_count: 0,
    backoff_s: null,
    next_attempt: null,
    equipment_codes: [],
    ...change,
  };
}
