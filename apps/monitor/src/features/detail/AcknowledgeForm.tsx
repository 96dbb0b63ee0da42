import { getAlarmText } from '@/lib/alarms/text';
import { useSettings } from '@/lib/hooks/useSettings';
import { useMemoryStrings } from '@/lib/i18n/useMemoryStrings';
import { memoryRest } from '@/lib/memory/memoryRest';
import { useName } from '@/lib/memory/useName';
import { useWrite } from '@/lib/memory/useWrite';
import type { AlarmView } from '@/lib/types/generated';
import controls from '@/lib/ui/controls.module.css';
import { NameField } from '@/lib/ui/NameField';
import styles from './TodayFacts.module.css';

interface AcknowledgeFormProps {
  /** At least one, none of them acknowledged. */
  readonly alarms: readonly AlarmView[];
  readonly onDone: () => void;
}

/** Say by name that somebody knows: one button for each alarm, as each is something else to know. */
export function AcknowledgeForm({ alarms, onDone }: AcknowledgeFormProps) {
  const words = useMemoryStrings();
  const [{ language }] = useSettings();
  const [name] = useName();
  const write = useWrite();
  const by = name.trim();
  async function acknowledge({ id }: AlarmView): Promise<void> {
    if (await write.run(() => memoryRest.acknowledgeOne(id, by, ''))) onDone();
  }
  return (
    <div className={styles.form}>
      <NameField />
      {alarms.map((alarm) => (
        <button
          key={alarm.id}
          type="button"
          className={`${controls.button} ${controls.primary}`}
          disabled={by === '' || write.isBusy}
          title={by === '' ? words.byHint : undefined}
          onClick={() => void acknowledge(alarm)}
        >
          {alarms.length === 1
            ? words.alarms.acknowledge
            : words.alarms.acknowledgeOf(getAlarmText(alarm, language))}
        </button>
      ))}
      {write.error !== null && (
        <p role="alert" className={controls.refused}>
          {words.refused(write.error)}
        </p>
      )}
    </div>
  );
}
