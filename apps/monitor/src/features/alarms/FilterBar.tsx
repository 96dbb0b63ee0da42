import { SEVERITIES } from '@/lib/alarms/text';
import { useMemoryStrings } from '@/lib/i18n/useMemoryStrings';
import {
  EXPORT_FORMATS,
  type ExportFormat,
  getExportUrl,
  type Query,
} from '@/lib/memory/memoryRest';
import { getServerNowMs } from '@/lib/time/serverClock';
import { ACTIVE_STATES, ALARM_STATES } from '@/lib/types/memory';
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
  const getUrl = (format: ExportFormat): string =>
    getExportUrl('alarms', format, { line: lineId, code, ...describeFilter(filter) });
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
            href={getUrl(format)}
            onClick={(event) => {
              event.currentTarget.href = getUrl(format);
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

/** Present alarms are listed whenever they were raised: as far back as an export reaches. */
const DAYS_MAX = 399;

/**
 * The same as the list asks for. The window begins when the link is pressed, and not when the list
 * was drawn; it ends later than now, for a link that is saved or opened beside the page.
 */
function describeFilter({ state, severity, text, days }: AlarmFilter): Query {
  const nowMs = getServerNowMs();
  const isActive = state === 'active';
  return {
    state: isActive ? ACTIVE_STATES : state,
    severity,
    q: text.trim(),
    from: new Date(nowMs - (isActive ? DAYS_MAX : days) * DAY_MS).toISOString(),
    to: new Date(nowMs + DAY_MS).toISOString(),
  };
}
