import styles from '@/features/detail/Section.module.css';
import { useSession } from '@/lib/hooks/useSession';
import { useStrings } from '@/lib/i18n/useStrings';
import type { LineSession } from '@/lib/session/lineSession';
import { formatDuration, parseTimeMs } from '@/lib/time/format';
import { useZone } from '@/lib/time/useZone';
import { formatZoneNearSecond } from '@/lib/time/zone';
import type { PlcView } from '@/lib/types/generated';

interface PlcHealthProps {
  readonly session: LineSession;
  readonly plc: PlcView | null;
}

/** How things stand with the PLC that this machine depends on, and what last went wrong with it. */
export function PlcHealth({ session, plc }: PlcHealthProps) {
  const strings = useStrings();
  const zone = useZone();
  const nowS = useSession(session, (state) => state.nowS);
  const words = strings.detail;
  if (plc === null) return null;
  const since = parseTimeMs(plc.since);
  const nextMs = parseTimeMs(plc.next_attempt);
  const timeOf = (ms: number): string => formatZoneNearSecond(zone, ms, nowS * 1_000);
  const count = (value: number): string => value.toLocaleString();
  return (
    <section className={styles.section} aria-labelledby="plc-title">
      <h3 id="plc-title">
        {words.plc} · {plc.id}
      </h3>
      <dl className={styles.pairs}>
        <dt>{words.link}</dt>
        <dd>
          <b data-link={plc.link}>{strings.link[plc.link]}</b>{' '}
          <span>{since !== null && words.linkSince(timeOf(since))}</span>
        </dd>
        <dt>{words.endpoint}</dt>
        <dd>{plc.endpoint}</dd>
        <dt>{words.cpu}</dt>
        <dd>{strings.cpu[plc.cpu_state]}</dd>
        <dt>{words.latency}</dt>
        <dd>
          {words.latencyValue(
            formatLatency(plc.latency_last_ms),
            formatLatency(plc.latency_p50_ms),
            formatLatency(plc.latency_p95_ms),
          )}
        </dd>
        <dt>{words.dataAge}</dt>
        <dd>
          {words.dataAgeValue(
            formatLatency(plc.data_age_last_ms),
            formatLatency(plc.data_age_p50_ms),
            formatLatency(plc.data_age_p95_ms),
          )}
        </dd>
        <dt>{words.polls}</dt>
        <dd>
          {words.pollsValue(
            count(plc.poll_count),
            count(plc.fault_count),
            count(plc.reconnect_count),
          )}
        </dd>
        {nextMs !== null && (
          <>
            <dt>{words.nextAttempt}</dt>
            <dd>
              {formatDuration(Math.max(0, Math.ceil(nextMs / 1_000) - nowS), strings.duration)}
            </dd>
          </>
        )}
        <dt>{words.lastFault}</dt>
        <dd>
          {plc.last_fault === null ? (
            words.noFault
          ) : (
            <>
              <time>{timeOf(Date.parse(plc.last_fault.at))}</time> {plc.last_fault.message}
              {plc.last_fault.end_code !== null && ` (${words.endCode(plc.last_fault.end_code)})`}
              {plc.last_fault.cause !== '' && <small>{plc.last_fault.cause}</small>}
            </>
          )}
        </dd>
      </dl>
    </section>
  );
}

function formatLatency(ms: number | null): string {
  if (ms === null) return '–';
  if (ms >= 10_000) return `${Math.round(ms / 1_000)} s`;
  return ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`;
}
