import { useMemo } from 'react';
import { getEquipmentColor } from '@/lib/board/getEquipmentColor';
import { listRecent } from '@/lib/board/recent';
import { useSession } from '@/lib/hooks/useSession';
import { useStrings } from '@/lib/i18n/useStrings';
import type { LineSession } from '@/lib/session/lineSession';
import { useZone } from '@/lib/time/useZone';
import { formatZoneMinute } from '@/lib/time/zone';
import { StatusIcon } from '@/lib/ui/StatusIcon';
import styles from './RecentChanges.module.css';

interface RecentChangesProps {
  readonly session: LineSession;
  readonly onOpen: (code: string) => void;
}

const RECENT_MAX = 12;
const LIVE_TAGS = { status_tag: 0, error_tag: 0, connection: true };

/** The newest changes of the line, those that matter: faults, stops and losses. */
export function RecentChanges({ session, onOpen }: RecentChangesProps) {
  const strings = useStrings();
  const zone = useZone();
  const changes = useSession(session, (state) => state.board.changes);
  const machines = useSession(session, (state) => state.board.machines);
  const recent = useMemo(() => listRecent(changes, machines, RECENT_MAX), [changes, machines]);
  return (
    <section className={styles.recent} aria-labelledby="recent-title">
      <h2 id="recent-title" className={styles.title}>
        {strings.attention.recent}
      </h2>
      {recent.length === 0 ? (
        <p className={styles.none}>{strings.attention.noRecent}</p>
      ) : (
        <ol className={styles.list}>
          {recent.map(({ codes, plcId, change }) => (
            <li key={`${codes[0]} ${change.atMs}`}>
              <button
                type="button"
                className={styles.row}
                data-color={getEquipmentColor({ status: change.status, tags: LIVE_TAGS })}
                onClick={() => onOpen(codes[0])}
              >
                <time className={styles.time}>{formatZoneMinute(zone, change.atMs)}</time>
                <StatusIcon status={change.status} className={styles.icon ?? ''} />
                <span className={styles.name} data-whole={plcId === null ? undefined : 'true'}>
                  {plcId === null
                    ? (machines.get(codes[0])?.name ?? codes[0])
                    : strings.attention.plcLost(plcId, codes.length)}
                </span>
                {plcId === null && (
                  <span className={styles.word}>{strings.status[change.status]}</span>
                )}
              </button>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}
