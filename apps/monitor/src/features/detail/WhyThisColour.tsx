import styles from '@/features/detail/Section.module.css';
import { getAgeMs } from '@/lib/board/aging';
import type { Machine } from '@/lib/board/board';
import { getReasonFacts } from '@/lib/board/reasonFacts';
import { useSession } from '@/lib/hooks/useSession';
import { useStrings } from '@/lib/i18n/useStrings';
import type { LineSession } from '@/lib/session/lineSession';
import { formatCounter, formatDuration, parseTimeMs } from '@/lib/time/format';
import { elapsedMs, readClocks } from '@/lib/time/instant';
import { useZone } from '@/lib/time/useZone';
import { formatZoneNearSecond } from '@/lib/time/zone';
import type { EquipmentDetailView } from '@/lib/types/generated';

interface WhyThisColourProps {
  readonly session: LineSession;
  readonly machine: Machine;
  readonly isLate: boolean;
  readonly view: EquipmentDetailView | null;
}

/** Which row of the status rule fired, in a full sentence, and what happens next. */
export function WhyThisColour({ session, machine, isLate, view }: WhyThisColourProps) {
  const strings = useStrings();
  const zone = useZone();
  const nowS = useSession(session, (state) => state.nowS);
  // While the page cannot hear, what matters is its own silence, not how old the PLC's data is.
  const ageMs = useSession(session, ({ board, connection }) => {
    const now = readClocks();
    const isDeaf = connection.phase !== 'live' && board.asOf !== null;
    const age = isDeaf ? elapsedMs(board.asOf.receivedAt, now) : getAgeMs(board, machine.code, now);
    return age === null ? null : Math.floor(age / 1_000) * 1_000;
  });
  // The details may be older than the tick that changed the status.
  const isSameStatus = view !== null && view.status === machine.status;
  const reason = isSameStatus ? view.reason : machine.reason;
  const untilMs = parseTimeMs(reason?.until ?? null);
  const ageText =
    ageMs === null ? strings.detail.never : formatDuration(ageMs / 1_000, strings.duration);
  const facts = reason === null ? null : getReasonFacts(machine, reason, { nowS, strings });
  return (
    <section className={styles.section} aria-labelledby="why-title">
      <h3 id="why-title">{strings.detail.why}</h3>
      {isLate ? (
        <p className={styles.sentence}>{strings.detail.ownLateWhy(ageText)}</p>
      ) : (
        facts !== null &&
        reason !== null && <p className={styles.sentence}>{strings.why[reason.code](facts)}</p>
      )}
      {!isLate && machine.sinceMs !== null && (
        <dl className={styles.facts}>
          <div>
            <dt>{strings.status[machine.status]}</dt>
            <dd>
              <b>{formatCounter(nowS - Math.floor(machine.sinceMs / 1_000), strings.duration)}</b>{' '}
              <span>
                {strings.detail.since(formatZoneNearSecond(zone, machine.sinceMs, nowS * 1_000))}
              </span>
            </dd>
          </div>
          {machine.status === 'idle' && (
            <div>
              <dt>{strings.detail.untilStopped}</dt>
              <dd>
                <b>
                  {untilMs === null
                    ? strings.detail.neverStops
                    : formatCounter(Math.floor(untilMs / 1_000) - nowS, strings.duration)}
                </b>
              </dd>
            </div>
          )}
        </dl>
      )}
    </section>
  );
}
