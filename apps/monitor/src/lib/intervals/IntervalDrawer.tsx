import { useCallback, useState } from 'react';
import { useSettings } from '@/lib/hooks/useSettings';
import { useMemoryStrings } from '@/lib/i18n/useMemoryStrings';
import { useStrings } from '@/lib/i18n/useStrings';
import { clockOf, dateTimeOf, endTimeOf, timeOf } from '@/lib/kpi/days';
import { type FigureName, getFigure, OFTEN_FIGURES, type OftenFigure } from '@/lib/kpi/figures';
import {
  EXPORT_FORMATS,
  getExportUrl,
  memoryRest,
  type Query,
  type Window,
} from '@/lib/memory/memoryRest';
import { askPages, useGrowing } from '@/lib/memory/pages';
import { nameReason } from '@/lib/stops/reasonTree';
import { formatDuration } from '@/lib/time/format';
import type {
  CountedIntervalsView,
  CountedIntervalView,
  DowntimeReasonView,
  KpiRowView,
  KpisView,
} from '@/lib/types/generated';
import controls from '@/lib/ui/controls.module.css';
import { FirstOf } from '@/lib/ui/FirstOf';
import { KeptFrom } from '@/lib/ui/KeptFrom';
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
  /** Of this line's figures; null: of each machine in all lines that it was in. */
  readonly line: string | null;
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
  const { code, line, window, open, timeZone, onMachine } = props;
  const words = useMemoryStrings();
  const [isAll, setAll] = useState(false);
  const { from, to } = window;
  const figure = isAll ? null : open.figure;
  const ask = useCallback(
    (count: number, signal: AbortSignal) =>
      askIntervals({ code, line, from, to, figure }, count, signal),
    [code, line, from, to, figure],
  );
  const answer = useGrowing(ask, ROWS_STEP);
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
        {(some) => (
          <>
            <KeptFrom keptFrom={some.kept_from} timeZone={timeZone} />
            {(some.total > 0 || some.kept_from === null) && (
              <IntervalTable {...props} some={some} figure={figure} onMore={answer.more} />
            )}
          </>
        )}
      </Loaded>
    </>
  );
}

type Sums = Pick<CountedIntervalsView, 'total' | 'total_ms' | 'count' | 'count_ms' | 'kept_from'>;

interface SomeIntervals extends Sums {
  /** The first of them. */
  readonly intervals: readonly CountedIntervalView[];
}

interface IntervalTableProps extends Pick<IntervalDrawerProps, 'reasons' | 'timeZone' | 'window'> {
  readonly some: SomeIntervals;
  /** Null: all that the machine did is shown. */
  readonly figure: OpenFigure['figure'] | null;
  readonly onMore: () => void;
}

/** Rows that are drawn at first, and more on demand; the export has all. */
const ROWS_STEP = 500;

function IntervalTable(props: IntervalTableProps) {
  const { some, figure, reasons, timeZone, window, onMore } = props;
  const { intervals, total, total_ms: totalMs, count, count_ms: countMs } = some;
  const words = useMemoryStrings();
  const strings = useStrings();
  const [{ language }] = useSettings();
  const isLong = Date.parse(window.to) - Date.parse(window.from) > 86_400_000;
  const beginAt = isLong ? dateTimeOf : clockOf;
  const timeAt = isLong ? timeOf : clockOf;
  const length = (ms: number): string => formatDuration(ms / 1_000, strings.duration);
  if (intervals.length === 0) return <p className={controls.soft}>{words.intervals.none}</p>;
  return (
    <>
      <p className={styles.sum}>
        {words.intervals.sum(total, length(totalMs))}
        {isOften(figure) && count !== null && countMs !== null && (
          <> · {words.intervals.often[figure](count, length(countMs))}</>
        )}
      </p>
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
            {intervals.map((interval) => (
              <tr key={interval.begin}>
                <td>{beginAt(Date.parse(interval.begin), timeZone)}</td>
                <td>
                  {endTimeOf(
                    Date.parse(interval.begin),
                    Date.parse(interval.end),
                    timeZone,
                    timeAt,
                  )}
                </td>
                <td className={controls.number}>{length(lengthOf(interval))}</td>
                <td>
                  <StatusWord status={interval.status} />
                </td>
                <td>{words.intervals.counted[countsAs(interval, figure)]}</td>
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
      <FirstOf shown={intervals.length} total={total} onMore={onMore} />
    </>
  );
}

/** Return the first `count` stretches, and how many and how long they are in all. */
async function askIntervals(
  query: Query,
  count: number,
  signal: AbortSignal,
): Promise<SomeIntervals> {
  const pages = await askPages(
    (cursor, limit) => memoryRest.getIntervals({ ...query, cursor, limit }, signal),
    count,
  );
  const [{ total, total_ms, count: often, count_ms, kept_from }] = pages;
  const intervals = pages.flatMap((page) => page.intervals);
  return { total, total_ms, count: often, count_ms, kept_from, intervals };
}

/** Whether a figure counts how often something was, and not only how long. */
function isOften(figure: OpenFigure['figure'] | null): figure is OftenFigure {
  return OFTEN_FIGURES.some((name) => name === figure);
}

/** As what an interval counts to a figure: to those of failures also outside of planned time. */
function countsAs(
  { counts_as, failure }: CountedIntervalView,
  figure: OpenFigure['figure'] | null,
): string {
  if (figure !== 'mtbf' && figure !== 'mttr') return counts_as;
  return failure === null ? 'running' : 'failure';
}

function lengthOf({ begin, end }: CountedIntervalView): number {
  return Date.parse(end) - Date.parse(begin);
}
