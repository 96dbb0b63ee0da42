/** What part of the past is looked at: zoom and pan as pure functions. Times in Unix ms. */

export interface Viewport {
  readonly startMs: number;
  readonly endMs: number;
}

export interface Limits {
  /** Nothing to see before. */
  readonly earliestMs: number;
  readonly nowMs: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

export const SPAN_MIN_MS = MINUTE_MS;
export const SPAN_MAX_MS = 31 * DAY_MS;

export const PRESETS = { '8h': 8 * HOUR_MS, '24h': DAY_MS, '7d': 7 * DAY_MS } as const;
export type Preset = keyof typeof PRESETS;
export const PRESET_NAMES = ['8h', '24h', '7d'] as const satisfies readonly Preset[];

/** A hand's width of nothing after the present, so that the newest status does not touch the edge. */
const MARGIN = 0.02;

/** Return the window of `spanMs` that ends with the present. */
export function endAtNow(spanMs: number, nowMs: number): Viewport {
  const endMs = nowMs + spanMs * MARGIN;
  return { startMs: endMs - spanMs, endMs };
}

/** Return whether the present can be seen, so that the window moves along with it. */
export function isFollowing({ startMs, endMs }: Viewport, nowMs: number): boolean {
  return endMs >= nowMs + (endMs - startMs) * MARGIN * 0.5;
}

/** Return the window after a zoom by `factor` (below 1: closer) that leaves `anchorMs` where it is. */
export function zoomAt(
  viewport: Viewport,
  anchorMs: number,
  factor: number,
  limits: Limits,
): Viewport {
  const spanMs = viewport.endMs - viewport.startMs;
  const nextMs = Math.min(SPAN_MAX_MS, Math.max(SPAN_MIN_MS, spanMs * factor));
  const share = (anchorMs - viewport.startMs) / spanMs;
  const startMs = anchorMs - share * nextMs;
  return keepInside({ startMs, endMs: startMs + nextMs }, limits);
}

/** Return the window moved by `deltaMs` (above 0: later). */
export function panBy(viewport: Viewport, deltaMs: number, limits: Limits): Viewport {
  return keepInside(
    { startMs: viewport.startMs + deltaMs, endMs: viewport.endMs + deltaMs },
    limits,
  );
}

/** Return the window of the same length around `atMs`. */
export function centreOn(viewport: Viewport, atMs: number, limits: Limits): Viewport {
  const half = (viewport.endMs - viewport.startMs) / 2;
  return keepInside({ startMs: atMs - half, endMs: atMs + half }, limits);
}

/** Return the window moved so that it ends at the present at the latest, and does not leave the past. */
export function keepInside(viewport: Viewport, { earliestMs, nowMs }: Limits): Viewport {
  const spanMs = viewport.endMs - viewport.startMs;
  const latest = endAtNow(spanMs, nowMs);
  if (viewport.endMs >= latest.endMs) return latest;
  const startMs = Math.min(latest.startMs, earliestMs);
  if (viewport.startMs < startMs) return { startMs, endMs: startMs + spanMs };
  return viewport;
}
