import { memo, useCallback, useMemo } from 'react';
import { getAgeMs } from '@/lib/board/aging';
import { getKnownSinceMs, getObservedSinceMs } from '@/lib/board/board';
import { getShownStatus } from '@/lib/board/getEquipmentColor';
import { getReasonFacts } from '@/lib/board/reasonFacts';
import { getShownColor } from '@/lib/board/shown';
import { buildSpans, chooseScale } from '@/lib/board/timeline';
import { useLiveText } from '@/lib/hooks/useLiveText';
import { useSession } from '@/lib/hooks/useSession';
import { useStrings } from '@/lib/i18n/useStrings';
import type { LineSession, SessionState } from '@/lib/session/lineSession';
import { formatCounter, formatDuration } from '@/lib/time/format';
import { readClocks } from '@/lib/time/instant';
import { StatusIcon } from '@/lib/ui/StatusIcon';
import { Strip } from '@/lib/ui/Strip';
import styles from './EquipmentStatusBox.module.css';

/** How much of a box there is room for; the style sheet hides what is too much, at the same heights. */
export type BoxDetail = 'full' | 'reason' | 'name';

interface EquipmentStatusBoxProps {
  readonly session: LineSession;
  readonly code: string;
  readonly variant: 'box' | 'marker';
  /** What is hidden anyway is not drawn. */
  readonly detail: BoxDetail;
  readonly isTabStop: boolean;
  readonly onOpen: (code: string) => void;
}

const FRESH_S = 6;
const FOREVER_MS = Number.MAX_SAFE_INTEGER;

/**
 * One machine, readable from five metres. It renders when what it shows changes, no sooner: each part
 * selects the one value that it shows, and the machine as a whole is nobody's.
 */
export const EquipmentStatusBox = memo(function EquipmentStatusBox(props: EquipmentStatusBoxProps) {
  const { session, code, variant, detail, isTabStop, onOpen } = props;
  const strings = useStrings();
  const isLate = useSession(session, (state) => state.lateCodes.has(code));
  const color = useSession(session, ({ board }) => {
    const machine = board.machines.get(code);
    return machine === undefined ? null : getShownColor(machine, isLate);
  });
  const saidStatus = useSession(session, (state) => state.board.machines.get(code)?.status);
  const name = useSession(session, (state) => state.board.machines.get(code)?.name);
  const isFresh = useSession(session, (state) => isJustChanged(state, code));
  if (color === null) return null;
  const status = getShownStatus(color);
  const part = { session, code };
  return (
    <button
      type="button"
      className={styles.box}
      data-equipment-code={code}
      data-color={color}
      data-status={saidStatus}
      data-stale={isLate ? 'true' : undefined}
      data-fresh={isFresh ? 'true' : undefined}
      data-variant={variant}
      tabIndex={isTabStop ? 0 : -1}
      onClick={() => onOpen(code)}
    >
      <StatusIcon status={status} className={styles.icon ?? ''} />
      <span className={styles.status}>{strings.status[status]}</span>
      <span className={styles.name}>{name}</span>
      {detail !== 'name' && (
        <span className={styles.reason}>
          {isLate ? <LateText {...part} /> : <ReasonText {...part} />}
        </span>
      )}
      <TimeInStatus {...part} isLate={isLate} />
      {detail === 'full' && <BoxFoot {...part} />}
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
  readonly code: string;
}

/** Counts in the server's time. While the page cannot hear, nobody knows how long it has been so. */
function TimeInStatus({ session, code, isLate }: PartProps & { readonly isLate: boolean }) {
  const words = useStrings().duration;
  const select = useCallback(
    ({ board, nowS }: SessionState) => {
      const sinceMs = board.machines.get(code)?.sinceMs ?? null;
      if (sinceMs === null || isLate) return '';
      return formatCounter(nowS - Math.floor(sinceMs / 1_000), words);
    },
    [code, isLate, words],
  );
  return <span ref={useLiveText(session, select)} className={styles.time} />;
}

function ReasonText({ session, code }: PartProps) {
  const strings = useStrings();
  return useSession(session, ({ board, nowS }) => {
    const machine = board.machines.get(code);
    const reason = machine?.reason ?? null;
    if (machine === undefined || reason === null || machine.status === 'running') return '';
    const facts = getReasonFacts(machine, reason, { nowS, strings });
    return strings.reason[reason.code](facts);
  });
}

function LateText({ session, code }: PartProps) {
  const strings = useStrings();
  return useSession(session, (state) => {
    const ageMs = getAgeMs(state.board, code, readClocks());
    if (ageMs === null) return strings.board.lateUnknown;
    return strings.board.late(formatDuration(ageMs / 1_000, strings.duration));
  });
}

function BoxFoot({ session, code }: PartProps) {
  const plcId = useSession(session, (state) => state.board.machines.get(code)?.plcId);
  return (
    <span className={styles.foot}>
      <BoxStrip session={session} code={code} />
      <span className={styles.ids}>
        <span>{code}</span>
        <span>{plcId}</span>
      </span>
    </span>
  );
}

function BoxStrip({ session, code }: PartProps) {
  const changes = useSession(session, (state) => state.board.changes.get(code));
  const status = useSession(session, (state) => state.board.machines.get(code)?.status);
  const sinceMs = useSession(session, (state) => state.board.machines.get(code)?.sinceMs ?? null);
  const observedSinceMs = useSession(session, (state) => getObservedSinceMs(state.board, code));
  const minute = useSession(session, (state) => Math.floor(state.nowS / 60));
  const heardUntilMs = useSession(session, ({ board, lateCodes }) =>
    lateCodes.has(code) ? (board.lastUpdatedMs.get(code) ?? 0) : FOREVER_MS,
  );
  const endMs = (minute + 1) * 60_000;
  const earlier = useSession(session, (state) => state.board.earlier.get(code));
  const knownSinceMs = useSession(session, (state) => getKnownSinceMs(state.board));
  const { windowMs, stepMs } = chooseScale(knownSinceMs, endMs);
  const startMs = endMs - windowMs;
  const spans = useMemo(
    () =>
      buildSpans({
        changes: changes ?? [],
        status: status ?? 'disconnected',
        sinceMs,
        observedSinceMs,
        startMs,
        endMs,
        heardUntilMs,
        ...(earlier && { earlier }),
      }),
    [changes, status, sinceMs, observedSinceMs, startMs, endMs, heardUntilMs, earlier],
  );
  return <Strip spans={spans} startMs={startMs} endMs={endMs} stepMs={stepMs} />;
}
