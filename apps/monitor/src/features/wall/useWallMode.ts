import { useEffect } from 'react';

const SHIFT_PERIOD_MS = 60_000;
/** A slow walk around the middle, in px: no edge of a box burns in. */
const SHIFTS: ReadonlyArray<readonly [x: number, y: number]> = [
  [0, 0],
  [3, 0],
  [3, 3],
  [0, 3],
  [-3, 3],
  [-3, 0],
  [-3, -3],
  [0, -3],
  [3, -3],
];

/** While `isWall`: shift the picture slowly, keep the screen awake, and leave with fullscreen. */
export function useWallMode(isWall: boolean, onLeave: () => void): void {
  useEffect(() => {
    if (!isWall) return;
    const stopped = new AbortController();
    const { signal } = stopped;
    let step = 0;
    const shift = setInterval(() => {
      step = (step + 1) % SHIFTS.length;
      const [x, y] = SHIFTS[step] ?? [0, 0];
      document.documentElement.style.setProperty('--shift', `${x}px ${y}px`);
    }, SHIFT_PERIOD_MS);
    let wakeLock: WakeLockSentinel | null = null;
    async function keepAwake(): Promise<void> {
      if (document.visibilityState !== 'visible') return;
      try {
        const lock = await navigator.wakeLock.request('screen');
        if (signal.aborted) await lock.release();
        else wakeLock = lock;
      } catch {
        // Not offered without TLS or on battery; the kiosk's own power settings then decide.
      }
    }
    void keepAwake();
    // The browser drops the lock whenever the page is hidden.
    document.addEventListener('visibilitychange', () => void keepAwake(), { signal });
    document.addEventListener(
      'fullscreenchange',
      () => {
        if (document.fullscreenElement === null) onLeave();
      },
      { signal },
    );
    document.addEventListener(
      'keydown',
      (event) => {
        if (event.key === 'Escape' && document.querySelector('dialog[open]') === null) onLeave();
      },
      { signal },
    );
    return () => {
      stopped.abort();
      clearInterval(shift);
      document.documentElement.style.removeProperty('--shift');
      void wakeLock?.release();
    };
  }, [isWall, onLeave]);
}
