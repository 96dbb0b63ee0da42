import { useSettings } from '@/lib/hooks/useSettings';
import { useMemoryStrings } from '@/lib/i18n/useMemoryStrings';
import type { AlarmCountView, KpiRowView } from '@/lib/types/generated';
import controls from '@/lib/ui/controls.module.css';
import styles from './Charts.module.css';

const SHOWN_MAX = 8;

interface TopAlarmsProps {
  readonly alarms: readonly AlarmCountView[];
  readonly machines: readonly KpiRowView[];
}

/** Which alarms came most often, and from which machine. */
export function TopAlarms({ alarms, machines }: TopAlarmsProps) {
  const words = useMemoryStrings();
  const [{ language }] = useSettings();
  const names = new Map(machines.map(({ code, name }) => [code, name]));
  const most = Math.max(1, ...alarms.map(({ count }) => count));
  return (
    <section className={controls.panel} aria-labelledby="top-alarms" data-chart="alarms">
      <h2 id="top-alarms" className={controls.title}>
        {words.report.alarms}
      </h2>
      {alarms.length === 0 ? (
        <p className={controls.soft}>{words.report.noAlarms}</p>
      ) : (
        <ol className={styles.ranking}>
          {alarms.slice(0, SHOWN_MAX).map((alarm) => (
            <li key={`${alarm.code} ${alarm.text_en}`}>
              <span>
                {language === 'en' ? alarm.text_en : alarm.text_ko}{' '}
                <small>{names.get(alarm.code) ?? alarm.code}</small>
              </span>
              <b>{alarm.count}</b>
              <i aria-hidden="true" style={{ width: `${(100 * alarm.count) / most}%` }} />
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}
