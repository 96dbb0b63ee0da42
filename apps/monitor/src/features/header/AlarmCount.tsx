import { useStrings } from '@/lib/i18n/useStrings';
import { useLineMemory } from '@/lib/memory/useLineMemory';
import styles from './AlarmCount.module.css';

interface AlarmCountProps {
  /** Whether it says what it counts; left out where the word beside it does. */
  readonly isNamed?: boolean;
}

/** How many alarms are not over, the unacknowledged ones in a colour. It makes no sound. */
export function AlarmCount({ isNamed = false }: AlarmCountProps) {
  const words = useStrings().memory;
  const isKnown = useLineMemory((state) => state.isKnown);
  const count = useLineMemory((state) => state.alarms.length);
  const unacknowledged = useLineMemory((state) => state.unacknowledged);
  if (!isKnown || count === 0) return null;
  const label = words.alarmsTitle(count, unacknowledged);
  return (
    <span className={styles.count} data-alarms={count} data-unacknowledged={unacknowledged}>
      {isNamed && <span aria-hidden="true">{words.alarms}</span>}
      <b aria-hidden="true" title={label}>
        {unacknowledged > 0 ? `${unacknowledged}/${count}` : count}
      </b>
      <span className="visually-hidden">{label}</span>
    </span>
  );
}
