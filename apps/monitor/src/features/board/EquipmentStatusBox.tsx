import { memo, useMemo } from 'react';
import { getAgeMs } from '@/lib/board/aging';
import { getObservedSinceMs, type Machine } from '@/lib/board/board';
import { getShownStatus } from '@/lib/board/getEquipmentColor';
import { getReasonFacts } from '@/lib/board/reasonFacts';
import { getShownColor } from '@/lib/board/shown';
import { buildSpans, chooseScale } from '@/lib/board/timeline';
import { useSession } from '@/lib/hooks/useSession';
import { useStrings } from '@/lib/i18n/useStrings';
import type { LineSession, SessionState } from '@/lib/session/lineSession';
import { formatCounter, formatDuration } from '@/lib/time/format';
import { readClocks } from '@/lib/time/instant';
import { StatusIcon } from '@/lib/ui/StatusIcon';
import { Strip } from '@/lib/ui/Strip';
import styles from './EquipmentStatusBox.module.css';

interface EquipmentStatusBoxProps {
  readonly session: LineSession;
  readonly code: string;
  readonly variant: 'box' | 'marker';
  readonly isTabStop: boolean;
  readonly onOpen: (code: string) => void;
}

const FRESH_S = 6;
const FOREVER_MS = Number.MAX_SAFE_INTEGER;

/** One machine, readable from five metres. It renders when its own machine changes, no sooner. */
export const EquipmentStatusBox = memo(function EquipmentStatusBox(props: EquipmentStatusBoxProps) {
  const { session, code, variant, isTabStop, onOpen } = props;
  const strings = useStrings();
  const machine = useSession(session, (state) => state.board.machines.get(code));
  const isLate = useSession(session, (state) => state.lateCodes.has(code));
  const isFresh = useSession(session, (state) => isJustChanged(state, code));
  if (machine === undefined) return null;
  const color = getShownColor(machine, isLate);
  const status = getShownStatus(color);
  const part = { session, machine };
  return (
    <button
      type="button"
      className={styles.box}
      data-equipment-code={code}
      data-color={color}
      data-status={machine.status}
      data-stale={isLate ? 'true' : undefined}
      data-fresh={isFresh ? 'true' : undefined}
      data-variant={variant}
      tabIndex={isTabStop ? 0 : -1}
      onClick={() => onOpen(code)}
    >
      <StatusIcon status={status} className={styles.icon ?? ''} />
      <span className={styles.status}>{strings.status[status]}</span>
      <span className={styles.name}>{machine.name}</span>
      <span className={styles.reason}>
        {isLate ? <LateText {...part} /> : <ReasonText {...part} />}
      </span>
      <TimeInStatus {...part} isLate={isLate} />
      {variant === 'box' && (
        <span className={styles.foot}>
          <BoxStrip {...part} />
          <span className={styles.ids}>
            <span>{code}</span>
            <span>{machine.plcId}</span>
          </span>
        </span>
      )}
    </button>
  );
});

/** A change of the last few seconds is shown, for whoever looked away. */
function isJustChanged({ board, nowS }: SessionState, code: string): boolean {
  const sinceMs = board.machines.get(code)?.sinceMs ?? null;
  return sinceMs !== null && nowS - Math.floor(sinceMs / 1_000) < FRESH_S;
}

interface PartProps {
  readonly session: LineSession;
  readonly machine: Machine;
}

/** Counts in the server's time. While the page cannot hear, nobody knows how long it has been so. */
function TimeInStatus({ session, machine, isLate }: PartProps & { readonly isLate: boolean }) {
  const words = useStrings().duration;
  const { sinceMs } = machine;
  const text = useSession(session, (state) => {
    if (sinceMs === null || isLate) return '';
    return formatCounter(state.nowS - Math.floor(sinceMs / 1_000), words);
  });
  return <span className={styles.time}>{text}</span>;
}

function ReasonText({ session, machine }: PartProps) {
  const strings = useStrings();
  const text = useSession(session, (state) => {
    const { reason } = machine;
    if (reason === null || machine.status === 'running') return '';
    const facts = getReasonFacts(machine, reason, {
      nowS: state.nowS,
      stopAfterS: state.line?.stop_after_s ?? null,
      staleAfterS: state.line?.stale_after_s ?? 3,
      strings,
    });
    return strings.reason[reason.code](facts);
  });
  return text;
}

function LateText({ session, machine }: PartProps) {
  const strings = useStrings();
  return useSession(session, (state) => {
    const ageMs = getAgeMs(state.board, machine.code, readClocks());
    if (ageMs === null) return strings.board.lateUnknown;
    return strings.board.late(formatDuration(ageMs / 1_000, strings.duration));
  });
}

function BoxStrip({ session, machine }: PartProps) {
  const changes = useSession(session, (state) => state.board.changes.get(machine.code));
  const observedSinceMs = useSession(session, (state) =>
    getObservedSinceMs(state.board, machine.code),
  );
  const minute = useSession(session, (state) => Math.floor(state.nowS / 60));
  const heardUntilMs = useSession(session, ({ board, lateCodes }) =>
    lateCodes.has(machine.code) ? (board.lastUpdatedMs.get(machine.code) ?? 0) : FOREVER_MS,
  );
  const { status, sinceMs } = machine;
  const endMs = (minute + 1) * 60_000;
  const lineObservedSinceMs = useSession(session, (state) => state.board.observedSinceMs);
  const { windowMs, stepMs } = chooseScale(lineObservedSinceMs, endMs);
  const startMs = endMs - windowMs;
  const spans = useMemo(
    () =>
      buildSpans({
        changes: changes ?? [],
        status,
        sinceMs,
        observedSinceMs,
        startMs,
        endMs,
        heardUntilMs,
      }),
    [changes, status, sinceMs, observedSinceMs, startMs, endMs, heardUntilMs],
  );
  return <Strip spans={spans} startMs={startMs} endMs={endMs} stepMs={stepMs} />;
}
