import { SEVERITIES } from '@/lib/alarms/text';
import { useMemoryStrings } from '@/lib/i18n/useMemoryStrings';
import { EXPORT_FORMATS, getExportUrl } from '@/lib/memory/memoryRest';
import { getServerNowMs } from '@/lib/time/serverClock';
import { ALARM_STATES } from '@/lib/types/memory';
import controls from '@/lib/ui/controls.module.css';
import styles from './AlarmsView.module.css';

export interface AlarmFilter {
  /** `active`: everything that is not over. Empty: every state. */
  readonly state: string;
  readonly severity: string;
  readonly text: string;
  /** How far back alarms that are over are listed. */
  readonly days: number;
}

const DAYS = [1, 7, 30] as const;
const DAY_MS = 86_400_000;

interface FilterBarProps {
  readonly filter: AlarmFilter;
  readonly code: string | null;
  readonly machines: ReadonlyArray<{ readonly code: string; readonly name: string }>;
  readonly lineId: string;
  readonly onFilter: (filter: AlarmFilter) => void;
  readonly onCode: (code: string | null) => void;
}

/** Which alarms are listed, and the same as CSV, Excel or Parquet. */
export function FilterBar({ filter, code, machines, lineId, onFilter, onCode }: FilterBarProps) {
  const words = useMemoryStrings();
  const set = (change: Partial<AlarmFilter>): void => onFilter({ ...filter, ...change });
  return (
    <section className={styles.filters} aria-label={words.alarms.filters}>
      <label className={controls.field}>
        {words.alarms.state}
        <select
          className={controls.input}
          value={filter.state}
          onChange={(event) => set({ state: event.currentTarget.value })}
        >
          <option value="active">{words.alarms.needsWork}</option>
          <option value="">{words.alarms.anyState}</option>
          {ALARM_STATES.map((state) => (
            <option key={state} value={state}>
              {words.alarms.states[state]}
            </option>
          ))}
        </select>
      </label>
      <label className={controls.field}>
        {words.alarms.severity}
        <select
          className={controls.input}
          value={filter.severity}
          onChange={(event) => set({ severity: event.currentTarget.value })}
        >
          <option value="">{words.alarms.anySeverity}</option>
          {SEVERITIES.map((severity) => (
            <option key={severity} value={severity}>
              {words.alarms.severities[severity]}
            </option>
          ))}
        </select>
      </label>
      <label className={controls.field}>
        {words.machine}
        <select
          className={controls.input}
          value={code ?? ''}
          onChange={(event) => onCode(event.currentTarget.value || null)}
        >
          <option value="">{words.alarms.anyMachine}</option>
          {machines.map((machine) => (
            <option key={machine.code} value={machine.code}>
              {machine.name}
            </option>
          ))}
        </select>
      </label>
      <label className={controls.field}>
        {words.alarms.period}
        <select
          className={controls.input}
          value={filter.days}
          disabled={filter.state === 'active'}
          onChange={(event) => set({ days: Number(event.currentTarget.value) })}
        >
          {DAYS.map((days) => (
            <option key={days} value={days}>
              {words.alarms.lastDays(days)}
            </option>
          ))}
        </select>
      </label>
      <label className={controls.field}>
        {words.alarms.search}
        <input
          className={controls.input}
          type="search"
          maxLength={100}
          value={filter.text}
          onChange={(event) => set({ text: event.currentTarget.value })}
        />
      </label>
      <div className={styles.downloads} role="group" aria-label={words.report.download}>
        {EXPORT_FORMATS.map((format) => (
          <a
            key={format}
            className={controls.button}
            href={getExportUrl('alarms', format, { line: lineId, code })}
            onClick={(event) => {
              event.currentTarget.href = getExportUrl('alarms', format, {
                line: lineId,
                code,
                ...getWindow(filter.days),
              });
            }}
            download
          >
            {words.downloads.formats[format]}
          </a>
        ))}
      </div>
    </section>
  );
}

/** The window ends when the link is pressed, and not when the list was drawn. */
function getWindow(days: number): { readonly from: string; readonly to: string } {
  const nowMs = getServerNowMs();
  return { from: new Date(nowMs - days * DAY_MS).toISOString(), to: new Date(nowMs).toISOString() };
}
