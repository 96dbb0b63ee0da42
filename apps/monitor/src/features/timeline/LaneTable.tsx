import { type MouseEvent, useCallback } from 'react';
import { describeInterval } from '@/features/timeline/describe';
import { useStrings } from '@/lib/i18n/useStrings';
import { useTimelineStrings } from '@/lib/i18n/useTimelineStrings';
import { formatDuration } from '@/lib/time/format';
import type { Zone } from '@/lib/time/zone';
import { type Interval, isSeen } from '@/lib/timeline/model';
import { StatusIcon } from '@/lib/ui/StatusIcon';
import styles from './LaneTable.module.css';

interface LaneTableProps {
  readonly name: string;
  /** Oldest first. */
  readonly intervals: readonly Interval[];
  readonly resolutionMs: number;
  readonly zone: Zone;
  readonly nowMs: number;
  readonly onMoment: (atMs: number) => void;
  readonly onClose: () => void;
}

const ROWS_MAX = 300;

/** One lane as a table, newest first: the same as the picture, for those who cannot use one. */
export function LaneTable(props: LaneTableProps) {
  const { name, intervals, resolutionMs, zone, nowMs, onMoment, onClose } = props;
  const words = useTimelineStrings();
  const strings = useStrings();
  const open = useCallback((dialog: HTMLDialogElement | null) => {
    if (dialog !== null && !dialog.open) dialog.showModal();
    return () => dialog?.close();
  }, []);
  function closeFromBackdrop(event: MouseEvent<HTMLDialogElement>): void {
    if (event.target === event.currentTarget) event.currentTarget.close();
  }
  const rows = intervals.slice(-ROWS_MAX).reverse();
  const isCut = intervals.length > ROWS_MAX;
  const resolution = formatDuration(resolutionMs / 1_000, strings.duration);
  return (
    <dialog
      ref={open}
      className={styles.dialog}
      aria-labelledby="lane-table-title"
      onClose={onClose}
      onClick={closeFromBackdrop}
    >
      <div className={styles.content}>
        <header className={styles.head}>
          <h2 id="lane-table-title">{words.table(name)}</h2>
          <button type="button" onClick={onClose}>
            {words.close}
          </button>
        </header>
        <p className={styles.note}>
          {isCut && words.tableNote(ROWS_MAX)} {resolutionMs > 0 && words.merged(resolution)}
        </p>
        <div className={styles.scroll} role="group" aria-label={words.table(name)} tabIndex={0}>
          {rows.length === 0 ? (
            <p>{words.empty}</p>
          ) : (
            <table className={styles.table}>
              <thead>
                <tr>
                  <th scope="col">{words.statusTitle}</th>
                  <th scope="col">{words.reasonTitle}</th>
                  <th scope="col">{words.from}</th>
                  <th scope="col">{words.to}</th>
                  <th scope="col">{words.duration}</th>
                </tr>
              </thead>
              <tbody>
                {rows.map((interval) => {
                  const said = describeInterval(interval, zone, nowMs, strings.duration);
                  return (
                    <tr key={interval.beginMs} data-status={interval.status}>
                      <th scope="row">
                        {isSeen(interval.status) && (
                          <StatusIcon status={interval.status} className={styles.icon ?? ''} />
                        )}{' '}
                        {words.status[interval.status]}
                      </th>
                      <td>
                        {interval.status === 'deleted'
                          ? words.deletedText
                          : interval.reason !== null && words.reason[interval.reason]}
                      </td>
                      <td>
                        <button
                          type="button"
                          className={styles.moment}
                          aria-label={`${words.seeBoard}: ${said.from}`}
                          onClick={() => onMoment(Math.ceil(interval.beginMs / 1_000) * 1_000)}
                        >
                          {said.from}
                        </button>
                      </td>
                      <td>{said.to ?? words.ongoing}</td>
                      <td>{said.duration}</td>
                    </tr>
                  );
                })}
              </tbody>
            </table>
          )}
        </div>
      </div>
    </dialog>
  );
}
