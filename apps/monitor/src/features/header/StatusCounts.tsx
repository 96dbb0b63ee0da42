import { getEquipmentColor } from '@/lib/board/getEquipmentColor';
import { countStatuses } from '@/lib/board/shown';
import { useShown } from '@/lib/hooks/useShown';
import { useStrings } from '@/lib/i18n/useStrings';
import type { LineSession } from '@/lib/session/lineSession';
import { STATUSES_AS_COUNTED, type Status } from '@/lib/types/equipment';
import { StatusIcon } from '@/lib/ui/StatusIcon';
import styles from './StatusCounts.module.css';

interface StatusCountsProps {
  readonly session: LineSession;
  readonly filter: Status | null;
  readonly onFilter: (status: Status | null) => void;
}

const LIVE_TAGS = { status_tag: 0, error_tag: 0, connection: true };

/** How many machines show each status; pressing one shows only those. */
export function StatusCounts({ session, filter, onFilter }: StatusCountsProps) {
  const strings = useStrings();
  const counts = countStatuses(useShown(session));
  return (
    <div className={styles.counts} role="group" aria-label={strings.header.filters}>
      {STATUSES_AS_COUNTED.map((status) => (
        <button
          key={status}
          type="button"
          className={styles.count}
          data-color={getEquipmentColor({ status, tags: LIVE_TAGS })}
          data-count={status}
          title={strings.status[status]}
          data-empty={counts[status] === 0 ? 'true' : undefined}
          aria-pressed={filter === status}
          onClick={() => onFilter(filter === status ? null : status)}
        >
          <StatusIcon status={status} className={styles.icon ?? ''} />
          <span className={styles.word}>{strings.status[status]}</span>
          <b className={styles.number}>{counts[status]}</b>
        </button>
      ))}
    </div>
  );
}
