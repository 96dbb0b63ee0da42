import { useStrings } from '@/lib/i18n/useStrings';
import { useLineMemory } from '@/lib/memory/useLineMemory';
import styles from './AlarmCount.module.css';

interface AlarmCountProps {
  /** Whether it says what it counts; left out where the word beside it does. */
  readonly isNamed?: boolean;
}

/**
 * How many alarms are not over, the unacknowledged ones in a colour. It makes no sound. Where the
 * server does not know all of them it says so in words, or by a sign where the header has no room.
 */
export function AlarmCount({ isNamed = false }: AlarmCountProps) {
  const words = useStrings().memory;
  const isKnown = useLineMemory((state) => state.isKnown);
  const isComplete = useLineMemory((state) => state.isComplete);
  const count = useLineMemory((state) => state.alarms.length);
  const unacknowledged = useLineMemory((state) => state.unacknowledged);
  if (!isKnown || (isComplete && count === 0)) return null;
  const label = isComplete
    ? words.alarmsTitle(count, unacknowledged)
    : words.alarmsIncompleteTitle(count, unacknowledged);
  const number = unacknowledged > 0 ? `${unacknowledged}/${count}` : String(count);
  return (
    <span
      className={styles.count}
      data-alarms={count}
      data-unacknowledged={unacknowledged}
      data-complete={isComplete}
    >
      {isNamed && (
        <span aria-hidden="true" className={styles.name}>
          {words.alarms}
        </span>
      )}
      <b aria-hidden="true" title={label}>
        {isComplete ? (
          number
        ) : (
          <>
            <span className={styles.words}>{words.alarmsIncomplete(count, number)}</span>
            <span className={styles.sign}>{count === 0 ? '?' : `${number}+`}</span>
          </>
        )}
      </b>
      <span className="visually-hidden">{label}</span>
    </span>
  );
}
