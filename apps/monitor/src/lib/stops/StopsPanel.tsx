import { useCallback, useState } from 'react';
import { useSettings } from '@/lib/hooks/useSettings';
import { useMemoryStrings } from '@/lib/i18n/useMemoryStrings';
import { useStrings } from '@/lib/i18n/useStrings';
import { dateTimeOf, endTimeOf, timeOf } from '@/lib/kpi/days';
import type { Window } from '@/lib/memory/memoryRest';
import { useGrowing } from '@/lib/memory/pages';
import { useAnswer } from '@/lib/memory/useAnswer';
import { nameReason } from '@/lib/stops/reasonTree';
import { StopDialog } from '@/lib/stops/StopDialog';
import { askNeighbours, askStops } from '@/lib/stops/stopQuestions';
import { formatDuration } from '@/lib/time/format';
import type { DowntimeReasonView, StopView } from '@/lib/types/generated';
import controls from '@/lib/ui/controls.module.css';
import { FirstOf } from '@/lib/ui/FirstOf';
import { KeptFrom } from '@/lib/ui/KeptFrom';
import { Loaded } from '@/lib/ui/Loaded';
import { StatusWord } from '@/lib/ui/StatusWord';
import styles from './StopsPanel.module.css';

interface StopsPanelProps {
  readonly line: string;
  /** Null: every machine of the line. */
  readonly code: string | null;
  readonly window: Window;
  readonly timeZone: string;
  readonly reasons: readonly DowntimeReasonView[];
  /** Something was written, so figures may have changed. */
  readonly onChange: () => void;
}

/** Rows that are drawn at first, and more on demand. */
const STOPS_STEP = 500;

/**
 * The stops that the figures count: those that nobody has explained first, and on demand all of
 * them. Micro-stops are never among them; the server leaves them out.
 */
export function StopsPanel(props: StopsPanelProps) {
  const { line, code, window, timeZone, reasons, onChange } = props;
  const words = useMemoryStrings();
  const [areAllShown, setAllShown] = useState(false);
  const [open, setOpen] = useState<StopView | null>(null);
  const [isSaved, setSaved] = useState(false);
  const { from, to } = window;
  const ask = useCallback(
    (count: number, signal: AbortSignal) =>
      askStops({ line, code, from, to }, !areAllShown, count, signal),
    [line, code, from, to, areAllShown],
  );
  const answer = useGrowing(ask, STOPS_STEP);
  const askBeside = useCallback(
    (signal: AbortSignal) => {
      if (open === null) throw new Error('no stop is open');
      return askNeighbours({ line, code, from, to }, open, signal);
    },
    [line, code, from, to, open],
  );
  const beside = useAnswer(open === null ? null : askBeside);
  function finish(): void {
    setOpen(null);
    setSaved(true);
    answer.reload();
    onChange();
  }
  return (
    <section className={controls.panel} aria-labelledby="stops-title" data-panel="stops">
      <h2 id="stops-title" className={controls.title}>
        {words.stops.title}
        {answer.view !== null && answer.view.kept_from === null && (
          <small>{words.stops.unexplained(answer.view.unexplained)}</small>
        )}
      </h2>
      <label className={styles.check}>
        <input
          type="checkbox"
          checked={areAllShown}
          onChange={(event) => setAllShown(event.currentTarget.checked)}
        />
        {words.stops.showAll}
      </label>
      <p role="status" className={controls.done}>
        {isSaved && words.stops.saved}
      </p>
      <Loaded answer={answer}>
        {({ stops, total, kept_from: keptFrom }) => (
          <>
            <KeptFrom keptFrom={keptFrom} timeZone={timeZone} />
            {stops.length === 0 ? (
              keptFrom === null && (
                <p className={controls.soft}>
                  {areAllShown ? words.stops.noneAtAll : words.stops.none}
                </p>
              )
            ) : (
              <>
                <StopTable
                  stops={stops}
                  hasMachine={code === null}
                  timeZone={timeZone}
                  reasons={reasons}
                  onOpen={(stop) => {
                    setSaved(false);
                    setOpen(stop);
                  }}
                />
                <FirstOf shown={stops.length} total={total} onMore={answer.more} />
              </>
            )}
          </>
        )}
      </Loaded>
      {open !== null && (
        <StopDialog
          key={open.id}
          stop={beside.view?.own ?? open}
          beside={beside}
          timeZone={timeZone}
          reasons={reasons}
          onDone={finish}
          onClose={() => setOpen(null)}
        />
      )}
    </section>
  );
}

interface StopTableProps {
  readonly stops: readonly StopView[];
  readonly hasMachine: boolean;
  readonly timeZone: string;
  readonly reasons: readonly DowntimeReasonView[];
  readonly onOpen: (stop: StopView) => void;
}

function StopTable({ stops, hasMachine, timeZone, reasons, onOpen }: StopTableProps) {
  const words = useMemoryStrings();
  const strings = useStrings();
  const [{ language }] = useSettings();
  return (
    <div className={controls.scroll}>
      <table className={`${controls.table} ${styles.stops}`} data-table="stops">
        <thead>
          <tr>
            {hasMachine && <th scope="col">{words.machine}</th>}
            <th scope="col">{words.begin}</th>
            <th scope="col">{words.end}</th>
            <th scope="col" className={controls.number}>
              {words.length}
            </th>
            <th scope="col">{words.status}</th>
            <th scope="col">{words.reason}</th>
          </tr>
        </thead>
        <tbody>
          {stops.map((stop) => {
            const beginMs = Date.parse(stop.begin);
            return (
              <tr key={stop.id} data-stop={stop.id}>
                {hasMachine && <th scope="row">{stop.name}</th>}
                <td>{dateTimeOf(beginMs, timeZone)}</td>
                <td>
                  {stop.end === null
                    ? words.ongoing
                    : endTimeOf(beginMs, Date.parse(stop.end), timeZone)}
                </td>
                <td className={controls.number}>
                  {formatDuration(stop.down_ms / 1_000, strings.duration)}
                </td>
                <td>
                  <StatusWord status={stop.status} />
                  {stop.stops > 1 && <small> {words.stops.joined(stop.stops)}</small>}
                  {stop.stops === 0 && <small> {words.stops.partOf}</small>}
                </td>
                <td className={controls.text}>
                  <div className={styles.reason}>
                    {stop.reason !== null && (
                      <span>
                        {nameReason(reasons, stop.reason, language)}
                        {stop.comment !== null && stop.comment !== '' && ` · ${stop.comment}`}
                        {stop.by !== null && <small> {words.stops.said(stop.by)}</small>}
                      </span>
                    )}
                    <button
                      type="button"
                      className={`${controls.button} ${controls.small}`}
                      aria-label={(stop.reason === null
                        ? words.stops.explainOf
                        : words.stops.changeOf)(stop.name, timeOf(beginMs, timeZone))}
                      onClick={() => onOpen(stop)}
                    >
                      {stop.reason === null ? words.stops.explain : words.stops.change}
                    </button>
                  </div>
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
