import { useCallback, useMemo, useState } from 'react';
import { useSettings } from '@/lib/hooks/useSettings';
import { useMemoryStrings } from '@/lib/i18n/useMemoryStrings';
import { useStrings } from '@/lib/i18n/useStrings';
import { lengthOf, listCounted } from '@/lib/intervals/counting';
import { clockOf, dateTimeOf } from '@/lib/kpi/days';
import { type FigureName, getFigure } from '@/lib/kpi/figures';
import { EXPORT_FORMATS, getExportUrl, memoryRest, type Window } from '@/lib/memory/memoryRest';
import { useAnswer } from '@/lib/memory/useAnswer';
import { nameReason } from '@/lib/stops/reasonTree';
import { formatDuration } from '@/lib/time/format';
import type {
  CountedIntervalView,
  DowntimeReasonView,
  KpiRowView,
  KpisView,
} from '@/lib/types/generated';
import controls from '@/lib/ui/controls.module.css';
import { Loaded } from '@/lib/ui/Loaded';
import { Modal } from '@/lib/ui/Modal';
import { StatusWord } from '@/lib/ui/StatusWord';
import styles from './IntervalDrawer.module.css';

/** What was pressed: a figure of one machine, or of the whole line. */
export interface OpenFigure {
  readonly figure: FigureName | 'unseen';
  /** Null: of the line; its machines are shown first. */
  readonly code: string | null;
}

interface IntervalDrawerProps {
  readonly open: OpenFigure;
  readonly machines: readonly KpiRowView[];
  readonly window: Window;
  readonly timeZone: string;
  readonly reasons: readonly DowntimeReasonView[];
  readonly onOpen: (open: OpenFigure) => void;
  readonly onMachine: ((code: string) => void) | null;
  readonly onClose: () => void;
}

/** A figure, opened down to the stretches of time that it was computed from. */
export function IntervalDrawer(props: IntervalDrawerProps) {
  const { open, machines, window, timeZone, onClose } = props;
  const words = useMemoryStrings();
  const { figure, code } = open;
  const name = figure === 'unseen' ? words.report.unseenTitle : words.figures[figure].name;
  const machine = machines.find((row) => row.code === code);
  const span = `${dateTimeOf(Date.parse(window.from), timeZone)} – ${dateTimeOf(Date.parse(window.to), timeZone)}`;
  return (
    <Modal
      isDrawer
      title={machine === undefined ? name : `${name} · ${machine.name}`}
      subtitle={`${span}${figure === 'unseen' ? '' : ` · ${words.figures[figure].what}`}`}
      onClose={onClose}
    >
      {code === null ? <Machines {...props} /> : <Intervals key={code} {...props} code={code} />}
    </Modal>
  );
}

/** What each machine adds to the line's figure. */
function Machines({ open, machines, onOpen }: IntervalDrawerProps) {
  const words = useMemoryStrings();
  const strings = useStrings();
  return (
    <>
      <p className={controls.soft}>{words.intervals.choose}</p>
      <ul className={styles.machines}>
        {machines.map((row) => (
          <li key={row.code}>
            <button
              type="button"
              className={styles.machine}
              onClick={() => onOpen({ ...open, code: row.code })}
            >
              <span>{row.name}</span>
              <b>{describe(row, open.figure)}</b>
            </button>
          </li>
        ))}
      </ul>
    </>
  );

  function describe(row: KpisView, figure: OpenFigure['figure']): string {
    if (figure === 'unseen') {
      return formatDuration((row.disconnected_ms + row.unseen_ms) / 1_000, strings.duration);
    }
    const { text, why } = getFigure(row, figure, strings.duration);
    return text ?? (why === 'insufficient' ? words.insufficient : '–');
  }
}

function Intervals(props: IntervalDrawerProps & { readonly code: string }) {
  const { code, machines, window, open, onMachine } = props;
  const words = useMemoryStrings();
  const [isAll, setAll] = useState(false);
  const microStops = machines.find((row) => row.code === code)?.micro_stops ?? 0;
  const { from, to } = window;
  const ask = useCallback(
    (signal: AbortSignal) => askAll(code, { from, to }, signal),
    [code, from, to],
  );
  const answer = useAnswer(ask);
  return (
    <>
      <div className={styles.tools}>
        <label className={styles.check}>
          <input
            type="checkbox"
            checked={!isAll}
            onChange={(event) => setAll(!event.currentTarget.checked)}
          />
          {words.intervals.only}
        </label>
        {EXPORT_FORMATS.map((format) => (
          <a
            key={format}
            className={`${controls.button} ${controls.small}`}
            href={getExportUrl('intervals', format, { code, from, to })}
            download
          >
            {words.downloads.formats[format]}
          </a>
        ))}
        {onMachine !== null && (
          <button
            type="button"
            className={`${controls.button} ${controls.small}`}
            onClick={() => onMachine(code)}
          >
            {words.intervals.toMachine}
          </button>
        )}
      </div>
      <Loaded answer={answer}>
        {(intervals) => (
          <IntervalTable
            {...props}
            intervals={isAll ? intervals : listCounted(intervals, open.figure, microStops)}
          />
        )}
      </Loaded>
    </>
  );
}

interface IntervalTableProps extends Pick<IntervalDrawerProps, 'reasons' | 'timeZone' | 'window'> {
  readonly intervals: readonly CountedIntervalView[];
}

/** Rows are drawn up to here; the export has the rest. */
const ROWS_MAX = 500;

function IntervalTable({ intervals, reasons, timeZone, window }: IntervalTableProps) {
  const words = useMemoryStrings();
  const strings = useStrings();
  const [{ language }] = useSettings();
  const [count, setCount] = useState(ROWS_MAX);
  const totalMs = useMemo(
    () => intervals.reduce((sum, interval) => sum + lengthOf(interval), 0),
    [intervals],
  );
  const isLong = Date.parse(window.to) - Date.parse(window.from) > 86_400_000;
  const timeAt = (time: string): string =>
    isLong ? dateTimeOf(Date.parse(time), timeZone) : clockOf(Date.parse(time), timeZone);
  const length = (ms: number): string => formatDuration(ms / 1_000, strings.duration);
  if (intervals.length === 0) return <p className={controls.soft}>{words.intervals.none}</p>;
  return (
    <>
      <p className={styles.sum}>{words.intervals.sum(intervals.length, length(totalMs))}</p>
      <div className={controls.scroll}>
        <table className={controls.table}>
          <thead>
            <tr>
              <th scope="col">{words.begin}</th>
              <th scope="col">{words.end}</th>
              <th scope="col" className={controls.number}>
                {words.length}
              </th>
              <th scope="col">{words.status}</th>
              <th scope="col">{words.intervals.countsAs}</th>
              <th scope="col">{words.reason}</th>
            </tr>
          </thead>
          <tbody>
            {intervals.slice(0, count).map((interval) => (
              <tr key={interval.begin}>
                <td>{timeAt(interval.begin)}</td>
                <td>{timeAt(interval.end)}</td>
                <td className={controls.number}>{length(lengthOf(interval))}</td>
                <td>
                  <StatusWord status={interval.status} />
                </td>
                <td>{words.intervals.counted[interval.counts_as] ?? interval.counts_as}</td>
                <td className={controls.text}>
                  {interval.reason !== null && nameReason(reasons, interval.reason, language)}
                  {interval.comment !== null && interval.comment !== '' && (
                    <span className={controls.soft}> {interval.comment}</span>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {count < intervals.length && (
        <button
          type="button"
          className={controls.button}
          onClick={() => setCount(count + ROWS_MAX)}
        >
          {words.more}
        </button>
      )}
    </>
  );
}

/** Pages are asked for up to here; more than a person reads. */
const PAGES_MAX = 10;

async function askAll(
  code: string,
  window: Window,
  signal: AbortSignal,
): Promise<readonly CountedIntervalView[]> {
  const found: CountedIntervalView[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const view = await memoryRest.getIntervals(code, window, cursor, signal);
    found.push(...view.intervals);
    cursor = view.next;
    if (cursor === null) break;
  }
  return found;
}
