import { useMemo } from 'react';
import styles from '@/features/detail/Section.module.css';
import type { Machine } from '@/lib/board/board';
import { getEquipmentColor } from '@/lib/board/getEquipmentColor';
import { buildSpans, type Span } from '@/lib/board/timeline';
import { useEarlier } from '@/features/detail/useEarlier';
import { useSession } from '@/lib/hooks/useSession';
import { useStrings } from '@/lib/i18n/useStrings';
import { useLineMemory } from '@/lib/memory/useLineMemory';
import type { LineSession } from '@/lib/session/lineSession';
import { formatDuration, parseTimeMs } from '@/lib/time/format';
import { useZone } from '@/lib/time/useZone';
import { findMidnightMs, formatZoneSecond } from '@/lib/time/zone';
import type { Status } from '@/lib/types/equipment';
import type { EquipmentDetailView } from '@/lib/types/generated';
import { StatusIcon } from '@/lib/ui/StatusIcon';
import { Strip } from '@/lib/ui/Strip';

interface TimelineProps {
  readonly session: LineSession;
  readonly machine: Machine;
  readonly view: EquipmentDetailView | null;
}

const CHANGES_SHOWN = 8;
const LIVE_TAGS = { status_tag: 0, error_tag: 0, connection: true };

/** The line's day from its begin to now: one bar, and the newest changes under it. */
export function Timeline({ session, machine, view }: TimelineProps) {
  const strings = useStrings();
  const zone = useZone();
  const minute = useSession(session, (state) => Math.floor(state.nowS / 60));
  const endMs = (minute + 1) * 60_000;
  const dayBeganMs = useLineMemory((state) => state.dayBeganMs);
  // The server says when the day began, with the night that belongs to it; before it has, midnight.
  const startMs =
    dayBeganMs !== null && dayBeganMs < endMs ? dayBeganMs : findMidnightMs(zone, endMs - 60_000);
  const { status, sinceMs } = machine;
  const changes = useMemo(
    () =>
      (view?.changes ?? []).map((change) => ({
        atMs: Date.parse(change.at),
        previous: change.previous,
        status: change.status,
      })),
    [view],
  );
  const observedSinceMs = parseTimeMs(view?.observed_since ?? null);
  const heardUntilMs = useSession(session, ({ board, lateCodes }) =>
    lateCodes.has(machine.code) ? (board.lastUpdatedMs.get(machine.code) ?? 0) : endMs,
  );
  const earlier = useEarlier(machine.code, startMs, observedSinceMs);
  const spans = useMemo(
    () =>
      buildSpans({
        changes,
        status,
        sinceMs,
        observedSinceMs,
        startMs,
        endMs,
        heardUntilMs,
        earlier,
      }),
    [changes, status, sinceMs, observedSinceMs, startMs, endMs, heardUntilMs, earlier],
  );
  const label = spans
    .map((span) => {
      const word = nameOf(span.status);
      const length = formatDuration((span.endMs - span.startMs) / 1_000, strings.duration);
      return `${formatZoneSecond(zone, span.startMs)} ${word} ${length}`;
    })
    .slice(-20)
    .join(', ');
  return (
    <section className={styles.section} aria-labelledby="today-title">
      <h3 id="today-title">{strings.detail.today}</h3>
      <div className={styles.strip}>
        <Strip spans={spans} startMs={startMs} endMs={endMs} stepMs={3 * 3_600_000} label={label} />
      </div>
      <ol className={styles.changes} aria-label={strings.detail.changes}>
        {spans
          .filter(({ status: own, startMs: atMs }) => isStatus(own) && atMs > startMs)
          .slice(-CHANGES_SHOWN)
          .reverse()
          .map((span) => (
            <Change key={span.startMs} span={span} isOver={span.endMs < endMs} />
          ))}
      </ol>
    </section>
  );

  function nameOf(own: Span['status']): string {
    if (isStatus(own)) return strings.status[own];
    return own === 'deleted' ? strings.detail.deleted : strings.detail.unobserved;
  }
}

function isStatus(status: Span['status']): status is Status {
  return status !== null && status !== 'deleted';
}

function Change({ span, isOver }: { readonly span: Span; readonly isOver: boolean }) {
  const strings = useStrings();
  const zone = useZone();
  const { status, startMs, endMs } = span;
  if (!isStatus(status)) return null;
  return (
    <li data-color={getEquipmentColor({ status, tags: LIVE_TAGS })}>
      <time>{formatZoneSecond(zone, startMs)}</time>
      <StatusIcon status={status} className={styles.sign ?? ''} />
      <span>{strings.status[status]}</span>
      <span className={styles.soft}>
        {isOver && formatDuration((endMs - startMs) / 1_000, strings.duration)}
      </span>
    </li>
  );
}
