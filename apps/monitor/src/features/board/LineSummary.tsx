import { useMemo, useState } from 'react';
import { LineShareMeter } from '@/lib/board/lineShare';
import { countStatuses } from '@/lib/board/shown';
import { useSession } from '@/lib/hooks/useSession';
import { useShown } from '@/lib/hooks/useShown';
import { useStrings } from '@/lib/i18n/useStrings';
import type { LineSession } from '@/lib/session/lineSession';
import { roundPercentDown } from '@/lib/kpi/percent';
import { formatDuration } from '@/lib/time/format';
import { STATUSES_AS_COUNTED } from '@/lib/types/equipment';
import styles from './LineSummary.module.css';

/** A figure over less observed time than this says nothing (ISO 22400 terms: coverage). */
const COVERAGE_MIN = 0.95;
/** And over less than this there is no figure at all. */
const COVERAGE_FIGURE_MIN = 0.05;

/** What the free cell of the board is good for: the line in two figures. */
export function LineSummary({ session }: { readonly session: LineSession }) {
  const strings = useStrings();
  const shown = useShown(session);
  const counts = countStatuses(shown);
  const share = useLineShare(session);
  const isBlind = shown.length > 0 && shown.every(({ isLate }) => isLate);
  return (
    <section className={styles.summary} aria-label={strings.board.summary}>
      <h2 className={styles.title}>{strings.board.runningNow}</h2>
      <p className={styles.figure}>
        {isBlind ? '–' : counts.running}
        <small>/{shown.length}</small>
      </p>
      <div className={styles.bar} aria-hidden="true">
        {STATUSES_AS_COUNTED.map((status) =>
          counts[status] === 0 ? null : (
            <i key={status} data-status={status} style={{ flexGrow: counts[status] }} />
          ),
        )}
      </div>
      <div className={styles.share}>
        <h2 className={styles.title}>
          {strings.board.runningShare(formatDuration(share.windowMs / 1_000, strings.duration))}
        </h2>
        <p className={styles.figure}>
          {share.running === null || share.coverage < COVERAGE_FIGURE_MIN
            ? '–'
            : strings.board.share(String(roundPercentDown(share.running)))}
        </p>
        <p className={styles.note}>
          {strings.board.coverage(String(roundPercentDown(share.coverage)))}
          {share.coverage < COVERAGE_MIN && ` · ${strings.board.insufficient}`}
        </p>
      </div>
    </section>
  );
}

/** Return the line's share; measured when a machine changed or a minute is over, not at each tick. */
function useLineShare(session: LineSession) {
  const [meter] = useState(() => new LineShareMeter());
  const machines = useSession(session, (state) => state.board.machines);
  const changes = useSession(session, (state) => state.board.changes);
  const observedSinceMs = useSession(session, (state) => state.board.observedSinceMs);
  const observedSinceMsByCode = useSession(session, (state) => state.board.observedSinceMsByCode);
  const earlier = useSession(session, (state) => state.board.earlier);
  const lateCodes = useSession(session, (state) => state.lateCodes);
  const minute = useSession(session, (state) => Math.floor(state.nowS / 60));
  return useMemo(() => {
    const { board } = session.getState();
    const known = { ...board, machines, changes, observedSinceMs, observedSinceMsByCode, earlier };
    return meter.measure(known, lateCodes, minute * 60_000);
  }, [
    session,
    meter,
    machines,
    changes,
    observedSinceMs,
    observedSinceMsByCode,
    earlier,
    lateCodes,
    minute,
  ]);
}
