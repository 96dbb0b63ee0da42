import { type MouseEvent, useCallback, useEffect } from 'react';
import { PlcHealth } from '@/features/detail/PlcHealth';
import { RawTags } from '@/features/detail/RawTags';
import { Timeline } from '@/features/detail/Timeline';
import { TodayFacts } from '@/features/detail/TodayFacts';
import { useDetail } from '@/features/detail/useDetail';
import { WhyThisColour } from '@/features/detail/WhyThisColour';
import type { Machine } from '@/lib/board/board';
import { getShownStatus } from '@/lib/board/getEquipmentColor';
import { getShownColor } from '@/lib/board/shown';
import { useSession } from '@/lib/hooks/useSession';
import { useStrings } from '@/lib/i18n/useStrings';
import type { Rest } from '@/lib/rest/rest';
import type { LineSession } from '@/lib/session/lineSession';
import { StatusIcon } from '@/lib/ui/StatusIcon';
import styles from './EquipmentDetail.module.css';

interface EquipmentDetailProps {
  readonly session: LineSession;
  readonly rest: Rest;
  readonly code: string;
  readonly onClose: () => void;
}

/** Everything that answers "why is it this colour?" for one machine. */
export function EquipmentDetail({ session, rest, code, onClose }: EquipmentDetailProps) {
  const machine = useSession(session, (state) => state.board.machines.get(code));
  // The browser's own modal dialog traps the focus, closes on Esc and gives the focus back.
  const open = useCallback((dialog: HTMLDialogElement | null) => {
    if (dialog !== null && !dialog.open) dialog.showModal();
    return () => dialog?.close();
  }, []);
  const isGone = machine === undefined;
  useEffect(() => {
    if (isGone) onClose();
  }, [isGone, onClose]);
  function closeFromBackdrop(event: MouseEvent<HTMLDialogElement>): void {
    if (event.target === event.currentTarget) event.currentTarget.close();
  }
  return (
    <dialog
      ref={open}
      className={styles.dialog}
      aria-labelledby="detail-title"
      onClose={onClose}
      onClick={closeFromBackdrop}
    >
      {machine !== undefined && (
        <Content session={session} rest={rest} machine={machine} onClose={onClose} />
      )}
    </dialog>
  );
}

interface ContentProps {
  readonly session: LineSession;
  readonly rest: Rest;
  readonly machine: Machine;
  readonly onClose: () => void;
}

function Content({ session, rest, machine, onClose }: ContentProps) {
  const strings = useStrings();
  const { code } = machine;
  const isLate = useSession(session, (state) => state.lateCodes.has(code));
  const detail = useDetail(rest, code, machine.status);
  const color = getShownColor(machine, isLate);
  const status = getShownStatus(color);
  return (
    <div className={styles.content}>
      <header className={styles.head} data-color={color}>
        <StatusIcon status={status} className={styles.icon ?? ''} />
        <div className={styles.heading}>
          <h2 id="detail-title">{machine.name}</h2>
          <p>
            <strong>{strings.status[status]}</strong> · {code}
            {machine.plcId !== null && ` · ${machine.plcId}`}
          </p>
        </div>
        <button
          type="button"
          className={styles.close}
          aria-label={strings.detail.close}
          onClick={onClose}
        >
          <svg viewBox="0 0 24 24" aria-hidden="true">
            <path d="M5 5l14 14M19 5L5 19" />
          </svg>
        </button>
      </header>
      {detail.isUnavailable && <p className={styles.notice}>{strings.detail.unavailable}</p>}
      <div className={styles.columns} role="group" aria-label={machine.name} tabIndex={0}>
        <div className={styles.column}>
          <WhyThisColour session={session} machine={machine} isLate={isLate} view={detail.view} />
          <TodayFacts machine={machine} />
          <Timeline session={session} machine={machine} view={detail.view} />
        </div>
        <div className={styles.column}>
          <RawTags session={session} view={detail.view} />
          <PlcHealth session={session} plc={detail.plc} />
        </div>
      </div>
    </div>
  );
}
