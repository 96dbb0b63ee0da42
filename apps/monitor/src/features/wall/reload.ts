/** Guards against reloading in a circle, should two builds answer in turn behind one address. */

const STORAGE_KEY = 'lineside.reloadedAt';
const PAUSE_MS = 10 * 60_000;

/** Return whether enough time has passed since the last reload by itself. Pure. */
export function mayReload(reloadedAtMs: number | null, nowMs: number): boolean {
  // A clock that was set back must not forbid reloading for good.
  return reloadedAtMs === null || Math.abs(nowMs - reloadedAtMs) > PAUSE_MS;
}

export function readReloadedAt(): number | null {
  try {
    const value = Number(window.sessionStorage.getItem(STORAGE_KEY) ?? Number.NaN);
    return Number.isFinite(value) ? value : null;
  } catch {
    return null;
  }
}

export function writeReloadedAt(nowMs: number): void {
  try {
    window.sessionStorage.setItem(STORAGE_KEY, String(nowMs));
  } catch {
    // Without storage the guard is lost, so the page would rather not know: see mayReload.
  }
}
