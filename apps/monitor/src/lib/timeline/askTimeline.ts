/** The questions about the past, over REST. */
import { RestError } from '@/lib/rest/rest';
import { askServer } from '@/lib/rest/server';
import { parseTimeline } from '@/lib/timeline/model';
import type { Ask } from '@/lib/timeline/timelineStore';
import type { BoardView } from '@/lib/types/generated';

const TIMEOUT_MS = 15_000;

/** Return how `line`'s past is asked for. */
export function createAsk(line: string): Ask {
  return async ({ fromMs, toMs, resolutionMs, etag }, signal) => {
    const path = `/api/timeline?${new URLSearchParams({
      line,
      from: new Date(fromMs).toISOString(),
      to: new Date(toMs).toISOString(),
      ...(resolutionMs > 0 && { resolution_ms: String(resolutionMs) }),
    }).toString()}`;
    const response = await get(path, signal, etag);
    if (response.status === 304) return { answer: null, etag };
    if (!response.ok) throw new RestError(path, response.status);
    return { answer: parseTimeline(await response.json()), etag: response.headers.get('etag') };
  };
}

/** Return the board of `line` as it was at `atMs`. */
export async function askBoardAt(
  line: string,
  atMs: number,
  signal: AbortSignal,
): Promise<BoardView> {
  const query = new URLSearchParams({ line, at: new Date(atMs).toISOString() });
  const path = `/api/board?${query.toString()}`;
  const response = await get(path, signal, null);
  if (!response.ok) throw new RestError(path, response.status);
  return (await response.json()) as BoardView;
}

function get(path: string, signal: AbortSignal, etag: string | null): Promise<Response> {
  return askServer(path, {
    signal,
    timeoutMs: TIMEOUT_MS,
    // The page keeps what it needs by itself; a second copy in the browser's cache is of no use.
    cache: 'no-store',
    ...(etag !== null && { headers: { 'if-none-match': etag } }),
  });
}
