import { useEffect } from 'react';
import { useSession } from '@/lib/hooks/useSession';
import { isOtherBuild, reloadPage } from '@/lib/panel/build';
import type { Rest } from '@/lib/rest/rest';
import type { LineSession } from '@/lib/session/lineSession';

const PERIOD_MS = 60_000;

/** Reload the page when the server serves another build of it: nobody presses F5 on a wall. */
export function useBuildReload(isWall: boolean, session: LineSession, rest: Rest): void {
  const build = useSession(session, (state) => state.server?.build ?? null);
  const phase = useSession(session, (state) => state.connection.phase);
  useEffect(() => {
    isOtherBuild(build);
    if (!isWall || phase !== 'live') return;
    const stopped = new AbortController();
    async function check(): Promise<void> {
      try {
        const health = await rest.getHealth(stopped.signal);
        if (isOtherBuild(health.build) && !stopped.signal.aborted) reloadPage();
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
