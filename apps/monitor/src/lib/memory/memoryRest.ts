/** The questions about the past, and what people write into it. Shapes: `lib/types/memory.ts`. */
import { askPages } from '@/lib/memory/pages';
import { RestError } from '@/lib/rest/rest';
import { askServer, locate } from '@/lib/rest/server';
import type {
  AcknowledgedView,
  AlarmDetailView,
  AlarmsView,
  AllRulesAppliedView,
  ApplyRules,
  AuditEntryView,
  AuditView,
  CountedIntervalsView,
  DowntimeReasonView,
  FailuresView,
  KpiPreviewView,
  KpiRowsView,
  PlannedDowntimeView,
  ReportView,
  StopsView,
  TimelineView,
  TodayView,
} from '@/lib/types/generated';

/** A month's figures of a large plant may take a while; a person waits for them. */
const TIMEOUT_MS = 20_000;

/** More than people write about one machine in a year. */
const AUDIT_MAX = 20_000;

type Value = string | number | boolean | null | undefined;
/** A list is asked for with one parameter for each of its items. */
export type Query = Readonly<Record<string, Value | readonly string[]>>;

/** Return the address of a question; what is null or undefined is not asked. */
export function buildPath(path: string, query: Query = {}): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (typeof value === 'object' && value !== null) {
      for (const item of value) params.append(name, item);
    } else if (value !== null && value !== undefined && value !== '') {
      params.set(name, String(value));
    }
  }
  const search = params.toString();
  return search === '' ? path : `${path}?${search}`;
}

export const EXPORT_TABLES = [
  'kpis',
  'stops',
  'alarms',
  'intervals',
  'changes',
  'plc-events',
  'server-events',
] as const;
export type ExportTable = (typeof EXPORT_TABLES)[number];
export const EXPORT_FORMATS = ['csv', 'xlsx', 'parquet'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** Return where an export of `table` is downloaded from. */
export function getExportUrl(table: ExportTable, format: ExportFormat, query: Query): string {
  return locate(buildPath(`/api/export/${table}.${format}`, query)).href;
}

async function send<View>(
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  signal: AbortSignal,
  body?: object,
): Promise<View> {
  const response = await askServer(path, {
    method,
    signal,
    timeoutMs: TIMEOUT_MS,
    ...(body !== undefined && {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }),
  });
  if (!response.ok) {
    throw new RestError(path.split('?', 1)[0] ?? path, response.status, await readDetail(response));
  }
  return (response.status === 204 ? null : await response.json()) as View;
}

/** Return what the server says of its refusal (problem+json), or nothing. */
async function readDetail(response: Response): Promise<string> {
  try {
    const problem: unknown = await response.json();
    const detail = (problem as { readonly detail?: unknown } | null)?.detail;
    return typeof detail === 'string' ? detail : '';
  } catch {
    return '';
  }
}

const get = <View>(path: string, query: Query, signal: AbortSignal): Promise<View> =>
  send<View>('GET', buildPath(path, query), signal);

/** What a person writes is not given up because a view closes. */
const post = (path: string, body: object): Promise<unknown> =>
  send<unknown>('POST', path, new AbortController().signal, body);

const part = encodeURIComponent;

/** Return a comment as the server keeps it: one line. */
export const flatten = (text: string): string => text.replace(/\s+/g, ' ').trim();

export interface Window {
  readonly from: string;
  readonly to: string;
}

export const memoryRest = {
  getReport: (line: string, day: string | null, shift: string, signal: AbortSignal) =>
    get<ReportView>('/api/report', { line, day, shift }, signal),
  getKpis: (query: Query, signal: AbortSignal) => get<KpiRowsView>('/api/kpis', query, signal),
  getIntervals: (query: Query, signal: AbortSignal) =>
    get<CountedIntervalsView>('/api/kpis/intervals', query, signal),
  getFailures: (query: Query, signal: AbortSignal) =>
    get<FailuresView>('/api/kpis/failures', query, signal),
  getStops: (query: Query, signal: AbortSignal) => get<StopsView>('/api/stops', query, signal),
  getReasons: async (signal: AbortSignal) => {
    const view = await get<{ readonly reasons: readonly DowntimeReasonView[] }>(
      '/api/downtime-reasons',
      {},
      signal,
    );
    return view.reasons;
  },
  getPlanned: async (query: Query, signal: AbortSignal) => {
    const view = await get<{ readonly planned_downtimes: readonly PlannedDowntimeView[] }>(
      '/api/planned-downtimes',
      query,
      signal,
    );
    return view.planned_downtimes;
  },
  getTimeline: (query: Query, signal: AbortSignal) =>
    get<TimelineView>('/api/timeline', query, signal),
  /** The day of a line that goes on, by the server's clock, and the plant's time zone. */
  getToday: (line: string, signal: AbortSignal) => get<TodayView>('/api/today', { line }, signal),
  /** One alarm with everything that happened to it. */
  getAlarm: (id: number, signal: AbortSignal) =>
    get<AlarmDetailView>(`/api/alarms/${part(id)}`, {}, signal),
  getAlarms: (query: Query, signal: AbortSignal) => get<AlarmsView>('/api/alarms', query, signal),
  /** What people wrote about the stops of a machine since `from`, the newest first. */
  getAudit: async (
    code: string,
    { from, to }: Window,
    signal: AbortSignal,
  ): Promise<readonly AuditEntryView[]> => {
    const pages = await askPages(
      (cursor, limit) => get<AuditView>('/api/audit', { code, from, to, cursor, limit }, signal),
      AUDIT_MAX,
    );
    return pages.flatMap((page) => page.entries);
  },
  /** Figures as they are, and as another configuration would have made them. Nothing is written. */
  preview: async (wish: object) => (await post('/api/kpis/preview', wish)) as KpiPreviewView,
  /** Which times of the past a person has let later rules judge, of every line. */
  getRulesApplied: async (signal: AbortSignal) =>
    (await get<AllRulesAppliedView>('/api/rules/applied', {}, signal)).applied,
  applyRules: (wish: ApplyRules) => post('/api/rules/applied', wish),
  takeBackRules: (id: number, by: string) =>
    send<unknown>(
      'DELETE',
      buildPath(`/api/rules/applied/${id}`, { by }),
      new AbortController().signal,
    ),

  explainStop: (id: string, by: string, reason: string, comment: string) =>
    post(`/api/stops/${part(id)}/reason`, { by, reason, comment }),
  splitStop: (id: string, by: string, at: string) =>
    post(`/api/stops/${part(id)}/split`, { by, at }),
  mergeStops: (id: string, by: string, other: string) =>
    post(`/api/stops/${part(id)}/merge`, { by, with: other }),
  addPlanned: (planned: object) => post('/api/planned-downtimes', planned),
  removePlanned: (id: number, by: string) =>
    send<unknown>(
      'DELETE',
      buildPath(`/api/planned-downtimes/${id}`, { by }),
      new AbortController().signal,
    ),
  /** Some may be refused, as when somebody else was quicker; the answer says which. */
  acknowledge: async (ids: readonly number[], by: string) =>
    (await post('/api/alarms/acknowledge', { by, ids })) as AcknowledgedView,
  acknowledgeOne: (id: number, by: string, comment: string) =>
    post(`/api/alarms/${part(id)}/acknowledge`, comment === '' ? { by } : { by, comment }),
  shelve: (id: number, by: string, minutes: number, comment: string) =>
    post(
      `/api/alarms/${part(id)}/shelve`,
      comment === '' ? { by, minutes } : { by, minutes, comment },
    ),
  unshelve: (id: number, by: string) => post(`/api/alarms/${part(id)}/unshelve`, { by }),
  comment: (id: number, by: string, text: string) =>
    post(`/api/alarms/${part(id)}/comment`, { by, text }),
};
