import { useEffect } from 'react';
import { mayReload, readReloadedAt, writeReloadedAt } from '@/features/wall/reload';
import { useSession } from '@/lib/hooks/useSession';
import type { Rest } from '@/lib/rest/rest';
import type { LineSession } from '@/lib/session/lineSession';

const PERIOD_MS = 60_000;

/** The build that this page was loaded with; it belongs to the page, whatever line it shows. */
let loadedBuild: string | null = null;

/** Reload the page when the server serves another build of it: nobody presses F5 on a wall. */
export function useBuildReload(isWall: boolean, session: LineSession, rest: Rest): void {
  const build = useSession(session, (state) => state.server?.build ?? null);
  const phase = useSession(session, (state) => state.connection.phase);
  useEffect(() => {
    loadedBuild ??= build;
    if (!isWall || phase !== 'live') return;
    const stopped = new AbortController();
    async function check(): Promise<void> {
      try {
        const health = await rest.getHealth(stopped.signal);
        loadedBuild ??= health.build;
        if (stopped.signal.aborted || health.build === loadedBuild) return;
        const nowMs = Date.now();
        if (!mayReload(readReloadedAt(), nowMs)) return;
        writeReloadedAt(nowMs);
        stayOnTheWall();
        window.location.reload();
      } catch {
        // Asked again in a minute; whether the server is there is the connection's business.
      }
    }
    void check();
    const timer = setInterval(() => void check(), PERIOD_MS);
    return () => {
      stopped.abort();
      clearInterval(timer);
    };
  }, [isWall, phase, build, rest]);
}

/** Wall mode that was entered by hand is not remembered; the address carries it over the reload. */
function stayOnTheWall(): void {
  const address = new URL(window.location.href);
  address.searchParams.set('wall', '1');
  window.history.replaceState(null, '', address);
}
