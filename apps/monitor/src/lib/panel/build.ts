/** Which build of the page this is, and when it may load itself again. */
import { askServer } from '@/lib/rest/server';
import { getServerNowMs } from '@/lib/time/serverClock';
import type { HealthView } from '@/lib/types/generated';

const STORAGE_KEY = 'lineside.reloadedAt';
/** Two builds may answer in turn behind one address: then the page must not reload in a circle. */
const PAUSE_MS = 10 * 60_000;
const TIMEOUT_MS = 5_000;

/** The build that this page was loaded with; it belongs to the page, whatever line it shows. */
let loadedBuild: string | null = null;

/** Take the first build that the server names for the page's own; return whether `build` is another. */
export function isOtherBuild(build: string | null): boolean {
  loadedBuild ??= build;
  return build !== null && build !== loadedBuild;
}

/** Return the build that the server serves now; null where it does not answer. */
export async function askBuild(signal: AbortSignal): Promise<string | null> {
  try {
    const response = await askServer('/healthz', { signal, timeoutMs: TIMEOUT_MS });
    return response.ok ? ((await response.json()) as HealthView).build : null;
  } catch {
    return null;
  }
}

/** Return whether enough time has passed since the last reload by itself. Pure. */
export function mayReload(reloadedAtMs: number | null, nowMs: number): boolean {
  // A clock that was set back must not forbid reloading for good.
  return reloadedAtMs === null || Math.abs(nowMs - reloadedAtMs) > PAUSE_MS;
}

/** Load the page again, unless that was done a moment ago; return whether it is done. */
export function reloadPage(): boolean {
  const nowMs = getServerNowMs();
  if (!mayReload(readReloadedAt(), nowMs)) return false;
  writeReloadedAt(nowMs);
  stayOnTheWall();
  window.location.reload();
  return true;
}

/** Return whether somebody has begun to write something, which a reload would lose. */
export function isBeingWritten(): boolean {
  const fields = document.querySelectorAll<HTMLInputElement | HTMLTextAreaElement>(
    'input:not([type="search"], [type="radio"], [type="checkbox"]), textarea',
  );
  return [...fields].some((field) => field.value !== field.defaultValue);
}

/** Wall mode that was entered by hand is not remembered; the address carries it over the reload. */
function stayOnTheWall(): void {
  if (document.documentElement.dataset['wall'] === undefined) return;
  const address = new URL(window.location.href);
  address.searchParams.set('wall', '1');
  window.history.replaceState(null, '', address);
}

function readReloadedAt(): number | null {
  try {
    const value = Number(window.sessionStorage.getItem(STORAGE_KEY) ?? Number.NaN);
    return Number.isFinite(value) ? value : null;
  } catch {
    return null;
  }
}

function writeReloadedAt(nowMs: number): void {
  try {
    window.sessionStorage.setItem(STORAGE_KEY, String(nowMs));
  } catch {
    // Without storage the guard is lost, so the page would rather not know: see mayReload.
  }
}
