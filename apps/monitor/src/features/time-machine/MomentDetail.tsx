import { type MouseEvent, useCallback, useSyncExternalStore } from 'react';
import { getShownStatus } from '@/lib/board/getEquipmentColor';
import { getReasonFacts } from '@/lib/board/reasonFacts';
import { getShownColor } from '@/lib/board/shown';
import { useSession } from '@/lib/hooks/useSession';
import { useStrings } from '@/lib/i18n/useStrings';
import { useTimelineStrings } from '@/lib/i18n/useTimelineStrings';
import { formatDuration } from '@/lib/time/format';
import { formatZoneMoment, formatZoneNearSecond, type Zone } from '@/lib/time/zone';
import type { TimeMachine } from '@/lib/timeline/timeMachine';
import { StatusIcon } from '@/lib/ui/StatusIcon';
import styles from './MomentDetail.module.css';

interface MomentDetailProps {
  readonly machine: TimeMachine;
  readonly code: string;
  readonly zone: Zone;
  readonly onClose: () => void;
}

/** One machine as it was: nothing in here is of the present. */
export function MomentDetail({ machine, code, zone, onClose }: MomentDetailProps) {
  const strings = useStrings();
  const words = useTimelineStrings();
  const then = useSession(machine.past, (state) => state.board.machines.get(code));
  const isUnseen = useSession(machine.past, (state) => state.lateCodes.has(code));
  const nowS = useSession(machine.past, (state) => state.nowS);
  const isDeleted = useSyncExternalStore(machine.subscribe, () =>
    machine.getState().deletedCodes.has(code),
  );
  const detail = useSyncExternalStore(machine.subscribe, () => machine.getState().detail);
  const open = useCallback((dialog: HTMLDialogElement | null) => {
    if (dialog !== null && !dialog.open) dialog.showModal();
    return () => dialog?.close();
  }, []);
  function closeFromBackdrop(event: MouseEvent<HTMLDialogElement>): void {
    if (event.target === event.currentTarget) event.currentTarget.close();
  }
  if (then === undefined) return null;
  const color = getShownColor(then, isUnseen);
  const status = getShownStatus(color);
  const { reason, sinceMs } = then;
  const facts = reason === null ? null : getReasonFacts(then, reason, { nowS, strings });
  const said = detail?.equipment.find(({ equipment_code }) => equipment_code === code);
  const readMs = Date.parse(said?.last_updated ?? '');
  const readAt = Number.isNaN(readMs) ? null : formatZoneMoment(zone, readMs);
  return (
    <dialog
      ref={open}
      className={styles.dialog}
      aria-labelledby="moment-title"
      onClose={onClose}
      onClick={closeFromBackdrop}
    >
      <div className={styles.content}>
        <p className={styles.past}>
          <strong>{words.past}</strong> <time>{formatZoneMoment(zone, nowS * 1_000)}</time>
        </p>
        <header className={styles.head} data-color={color}>
          <StatusIcon status={status} className={styles.icon ?? ''} />
          <div className={styles.heading}>
            <h2 id="moment-title">{then.name}</h2>
            <p>
              <strong>
                {isUnseen ? words.status[isDeleted ? 'deleted' : 'unseen'] : strings.status[status]}
              </strong>{' '}
              · {code}
              {then.plcId !== null && ` · ${then.plcId}`}
            </p>
          </div>
          <button type="button" onClick={onClose}>
            {words.close}
          </button>
        </header>
        <div className={styles.body}>
          <h3>{words.whyThen}</h3>
          <p className={styles.sentence}>
            {isUnseen
              ? isDeleted
                ? words.deletedThen
                : words.unseenThen
              : reason === null || facts === null
                ? words.loading
                : strings.why[reason.code](facts)}
          </p>
          {!isUnseen && sinceMs !== null && (
            <p className={styles.soft}>
              {words.sinceThen(formatZoneNearSecond(zone, sinceMs, nowS * 1_000))} ·{' '}
              {formatDuration(nowS - Math.floor(sinceMs / 1_000), strings.duration)}
            </p>
          )}
          {!isUnseen && said !== undefined && (
            <>
              <h3>{words.tagsThen(readAt)}</h3>
              <dl className={styles.tags}>
                <dt>{strings.role.status_tag}</dt>
                <dd>{said.tags.status_tag}</dd>
                <dt>{strings.role.error_tag}</dt>
                <dd>{said.tags.error_tag}</dd>
                <dt>{strings.detail.lastUpdated}</dt>
                <dd>{readAt ?? strings.detail.never}</dd>
              </dl>
            </>
          )}
        </div>
      </div>
    </dialog>
  );
}
