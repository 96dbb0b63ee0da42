/**
 * Where the page is: which view, which line, which moment. The address says all of it, so that a
 * link opens the same elsewhere. Pure.
 */

/** The views in the order of the header. A new one needs a word and a component, or nothing compiles. */
export const VIEWS = ['board', 'timeline', 'report', 'alarms', 'machine'] as const;
export type View = (typeof VIEWS)[number];

export interface Route {
  readonly view: View;
  /** Null: the default line. */
  readonly lineId: string | null;
  /** The moment that is looked at, Unix ms; null: the present. */
  readonly atMs: number | null;
}

/** Return the route of an address's query. Anything that is not understood is left out. */
export function parseRoute(search: string): Route {
  const params = new URLSearchParams(search);
  const line = params.get('line');
  return {
    view: VIEWS.find((view) => view === params.get('page')) ?? 'board',
    lineId: line === null || line === '' ? null : line,
    atMs: parseMoment(params.get('at')),
  };
}

/** Return `search` with `route` written into it; settings and all else stay as they are. */
export function writeRoute(search: string, { view, lineId, atMs }: Route): string {
  const params = new URLSearchParams(search);
  set(params, 'page', view === 'board' ? null : view);
  set(params, 'line', lineId);
  set(params, 'at', atMs === null ? null : writeMoment(atMs));
  // Colons may stand in a query as they are, and a time is easier to read with them.
  const written = params.toString().replaceAll('%3A', ':');
  return written === '' ? '' : `?${written}`;
}

/** Return "2026-11-24T03:12:05Z": the moment itself, whatever clock is beside the screen. */
export function writeMoment(atMs: number): string {
  return new Date(Math.floor(atMs / 1_000) * 1_000).toISOString().replace('.000', '');
}

/** Without an offset a time means nothing in another time zone, so it is not understood. */
const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)$/;

function parseMoment(value: string | null): number | null {
  // A plus in a query is read as a blank.
  const text = value?.replace(' ', '+') ?? '';
  if (!MOMENT.test(text)) return null;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? null : ms;
}

function set(params: URLSearchParams, name: string, value: string | null): void {
  if (value === null) params.delete(name);
  else params.set(name, value);
}
