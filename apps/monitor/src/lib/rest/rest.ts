/** The questions the page asks over REST. Shapes are the server's own; see `lib/types/generated.ts`. */
import { askServer, locate, serverBase } from '@/lib/rest/server';
import type {
  ChangesView,
  EquipmentDetailView,
  EquipmentListView,
  HealthView,
  LinesView,
  NewsView,
  PlcsView,
  TimelineView,
} from '@/lib/types/generated';

const TIMEOUT_MS = 5_000;

/** The server answered, but not with what was asked for. */
export class RestError extends Error {
  readonly status: number;
  /** What the server says of it, for people; empty where it says nothing. */
  readonly detail: string;

  constructor(path: string, status: number, detail = '') {
    super(`${path} answered ${status}`);
    this.name = 'RestError';
    this.status = status;
    this.detail = detail;
  }
}

export interface Rest {
  readonly getLines: (signal: AbortSignal) => Promise<LinesView>;
  readonly getEquipment: (line: string, signal: AbortSignal) => Promise<EquipmentListView>;
  /** Another word than that of the last equipment list: it would tell something new. */
  readonly getNews: (line: string, signal: AbortSignal) => Promise<NewsView>;
  readonly getDetail: (code: string, signal: AbortSignal) => Promise<EquipmentDetailView>;
  readonly getPlcs: (signal: AbortSignal) => Promise<PlcsView>;
  readonly getChanges: (line: string, signal: AbortSignal) => Promise<ChangesView>;
  /** What the history knows of a line in a window; times in ISO 8601. */
  readonly getTimeline: (
    line: string,
    window: { readonly from: string; readonly to: string },
    signal: AbortSignal,
  ) => Promise<TimelineView>;
  readonly getHealth: (signal: AbortSignal) => Promise<HealthView>;
  /** Whether the server answers, but does not take this page for one of its own; see there. */
  readonly isOriginRefused: (signal: AbortSignal) => Promise<boolean>;
}

/** Return the questions as functions. Each gives up after five seconds. */
export function createRest(base: string = serverBase): Rest {
  async function get<View>(path: string, signal: AbortSignal): Promise<View> {
    const response = await askServer(path, { signal, timeoutMs: TIMEOUT_MS }, base);
    if (!response.ok) throw new RestError(path, response.status);
    return (await response.json()) as View;
  }
  const part = encodeURIComponent;
  return {
    getLines: (signal) => get<LinesView>('/api/lines', signal),
    getEquipment: (line, signal) =>
      get<EquipmentListView>(`/api/equipment?line=${part(line)}`, signal),
    getNews: (line, signal) => get<NewsView>(`/api/news?line=${part(line)}`, signal),
    getDetail: (code, signal) => get<EquipmentDetailView>(`/api/equipment/${part(code)}`, signal),
    getPlcs: (signal) => get<PlcsView>('/api/plcs', signal),
    getChanges: (line, signal) => get<ChangesView>(`/api/lines/${part(line)}/changes`, signal),
    getTimeline: (line, { from, to }, signal) =>
      get<TimelineView>(
        `/api/timeline?line=${part(line)}&from=${part(from)}&to=${part(to)}`,
        signal,
      ),
    getHealth: (signal) => get<HealthView>('/healthz', signal),
    // A browser names the page's origin to its own server only where something would be changed. At
    // this address nothing can be: the gate refuses a foreign page before that is found out.
    isOriginRefused: async (signal) => {
      const question = { method: 'POST', signal, timeoutMs: TIMEOUT_MS };
      return (await askServer('/healthz', question, base)).status === 403;
    },
  };
}

/** Return the WebSocket address of a line; the contract's own address without one. */
export function getSocketUrl(lineId: string | null, base: string = serverBase): string {
  const path = lineId === null ? '/ws/monitor' : `/ws/monitor/${encodeURIComponent(lineId)}`;
  const url = locate(path, base);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
}
