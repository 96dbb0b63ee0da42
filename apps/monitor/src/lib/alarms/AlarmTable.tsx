import type { ReactNode } from 'react';
import { getAlarmText } from '@/lib/alarms/text';
import { useSettings } from '@/lib/hooks/useSettings';
import { useMemoryStrings } from '@/lib/i18n/useMemoryStrings';
import { useStrings } from '@/lib/i18n/useStrings';
import { dateTimeOf } from '@/lib/kpi/days';
import { isUnacknowledged } from '@/lib/memory/lineMemory';
import { formatDuration } from '@/lib/time/format';
import type { AlarmView } from '@/lib/types/generated';
import controls from '@/lib/ui/controls.module.css';
import styles from './AlarmTable.module.css';

interface AlarmTableProps {
  readonly alarms: readonly AlarmView[];
  readonly nowMs: number;
  /** The plant's, by its IANA name; empty: the screen's own. */
  readonly timeZone: string;
  /** Left out where nothing can be selected. */
  readonly selected?: ReadonlySet<string>;
  readonly onSelect?: (selected: ReadonlySet<string>) => void;
  readonly actions?: (alarm: AlarmView) => ReactNode;
}

/** Alarms in the order in which they come: what, where, since when, and who has taken it up. */
export function AlarmTable(props: AlarmTableProps) {
  const { alarms, selected, onSelect, actions } = props;
  const words = useMemoryStrings();
  if (alarms.length === 0) return <p className={controls.soft}>{words.alarms.none}</p>;
  const selectable = alarms.filter(isUnacknowledged).map(({ id }) => String(id));
  const areAllSelected = selectable.length > 0 && selectable.every((id) => selected?.has(id));
  return (
    <div className={controls.scroll}>
      <table className={`${controls.table} ${styles.alarms}`} data-table="alarms">
        <thead>
          <tr>
            {onSelect !== undefined && (
              <td className={styles.select} data-all={words.alarms.selectAll}>
                <input
                  type="checkbox"
                  aria-label={words.alarms.selectAll}
                  disabled={selectable.length === 0}
                  checked={areAllSelected}
                  onChange={() => onSelect(new Set(areAllSelected ? [] : selectable))}
                />
              </td>
            )}
            <th scope="col">{words.alarms.state}</th>
            <th scope="col">{words.machine}</th>
            <th scope="col">{words.alarms.message}</th>
            <th scope="col">{words.alarms.raised}</th>
            <th scope="col">{words.alarms.cleared}</th>
            {actions !== undefined && <th scope="col">{words.alarms.actions}</th>}
          </tr>
        </thead>
        <tbody>
          {alarms.map((alarm) => (
            <AlarmRow key={alarm.id} {...props} alarm={alarm} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface AlarmRowProps extends AlarmTableProps {
  readonly alarm: AlarmView;
}

function AlarmRow({ alarm, nowMs, timeZone, selected, onSelect, actions }: AlarmRowProps) {
  const words = useMemoryStrings();
  const [{ language }] = useSettings();
  const id = String(alarm.id);
  const text = getAlarmText(alarm, language);
  function toggle(): void {
    const next = new Set(selected);
    if (!next.delete(id)) next.add(id);
    onSelect?.(next);
  }
  return (
    <tr data-alarm={id} data-state={alarm.state} data-severity={alarm.severity}>
      {onSelect !== undefined && (
        <td className={styles.select}>
          {isUnacknowledged(alarm) && (
            <input
              type="checkbox"
              aria-label={words.alarms.select(`${alarm.name} ${text}`)}
              checked={selected?.has(id) ?? false}
              onChange={toggle}
            />
          )}
        </td>
      )}
      <td className={styles.standing}>
        <StateCell alarm={alarm} timeZone={timeZone} />
      </td>
      <th scope="row" className={styles.machine}>
        {alarm.name}
      </th>
      <td className={styles.message}>
        <span className={styles.text}>
          <i className={styles.severity} data-severity={alarm.severity} />
          <span>
            {text} {alarm.alarm_code !== null && <small>#{alarm.alarm_code}</small>}
            <small className={styles.word}>
              {words.alarms.severities[alarm.severity] ?? alarm.severity}
            </small>
          </span>
        </span>
      </td>
      <td className={styles.raised} data-label={words.alarms.raised}>
        {dateTimeOf(Date.parse(alarm.last_raised), timeZone)}
        {alarm.raised_count > 1 && (
          <small className={styles.word}>{words.alarms.raisedTimes(alarm.raised_count)}</small>
        )}
      </td>
      <td
        className={styles.cleared}
        data-label={alarm.cleared === null ? undefined : words.alarms.cleared}
      >
        <Duration alarm={alarm} nowMs={nowMs} timeZone={timeZone} />
      </td>
      {actions !== undefined && <td className={styles.actions}>{actions(alarm)}</td>}
    </tr>
  );
}

/** The state, and who made it so. */
function StateCell({ alarm, timeZone }: Pick<AlarmRowProps, 'alarm' | 'timeZone'>) {
  const words = useMemoryStrings().alarms;
  const { acknowledged, acknowledged_by: by, shelved_until: until } = alarm;
  return (
    <span className={styles.state} data-state={alarm.state}>
      <b>{words.states[alarm.state]}</b>
      {by !== null && acknowledged !== null && (
        <small>{words.acknowledgedBy(by, dateTimeOf(Date.parse(acknowledged), timeZone))}</small>
      )}
      {alarm.state === 'shelved' && until !== null && (
        <small>{words.shelvedUntil(dateTimeOf(Date.parse(until), timeZone))}</small>
      )}
    </span>
  );
}

function Duration({ alarm, nowMs, timeZone }: Pick<AlarmRowProps, 'alarm' | 'nowMs' | 'timeZone'>) {
  const words = useMemoryStrings().alarms;
  const { duration } = useStrings();
  const raisedMs = Date.parse(alarm.last_raised); // between two rises there was no fault
  if (alarm.cleared === null) {
    return <b>{words.since(formatDuration((nowMs - raisedMs) / 1_000, duration))}</b>;
  }
  const clearedMs = Date.parse(alarm.cleared);
  return (
    <span className={styles.state}>
      {dateTimeOf(clearedMs, timeZone)}
      <small>{words.lasted(formatDuration((clearedMs - raisedMs) / 1_000, duration))}</small>
    </span>
  );
}
