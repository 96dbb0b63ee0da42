import { useEffect } from 'react';
import type { TimeMachine } from '@/lib/timeline/timeMachine';

/** A wall that nobody touches shows the present again after this. */
export const IDLE_MS = 2 * 60_000;
/** However long it plays: a wall is there for the present. */
export const PLAYING_MAX_MS = 20 * 60_000;
const LOOK_MS = 1_000;

/** On a wall display: leave the past when no hand has been seen for a while. */
export function useIdleReturn(isWall: boolean, machine: TimeMachine, onLive: () => void): void {
  useEffect(() => {
    if (!isWall) return;
    const stopped = new AbortController();
    const { signal } = stopped;
    let touchedMs = performance.now();
    const touch = (): void => {
      touchedMs = performance.now();
    };
    for (const name of ['pointerdown', 'pointermove', 'keydown', 'wheel'] as const) {
      window.addEventListener(name, touch, { signal, passive: true, capture: true });
    }
    const timer = setInterval(() => {
      const isPlaying = machine.getState().playback.playedMs !== null;
      const idleMs = performance.now() - touchedMs;
      if (idleMs > (isPlaying ? PLAYING_MAX_MS : IDLE_MS)) onLive();
    }, LOOK_MS);
    return () => {
      stopped.abort();
      clearInterval(timer);
    };
  }, [isWall, machine, onLive]);
}
