import { useStrings } from '@/lib/i18n/useStrings';
import { useLineMemory } from '@/lib/memory/useLineMemory';
import styles from './AlarmCount.module.css';

/** How many alarms are not over, the unacknowledged ones in a colour. It makes no sound. */
export function AlarmCount() {
  const words = useStrings().memory;
  const isKnown = useLineMemory((state) => state.isKnown);
  const count = useLineMemory((state) => state.alarms.length);
  const unacknowledged = useLineMemory((state) => state.unacknowledged);
  if (!isKnown || count === 0) return null;
  const label = words.alarmsTitle(count, unacknowledged);
  return (
    <span className={styles.count} data-alarms={count} data-unacknowledged={unacknowledged}>
      <b aria-hidden="true" title={label}>
        {unacknowledged > 0 ? `${unacknowledged}/${count}` : count}
      </b>
      <span className="visually-hidden">{label}</span>
    </span>
  );
}
