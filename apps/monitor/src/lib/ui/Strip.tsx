import { getEquipmentColor } from '@/lib/board/getEquipmentColor';
import { listMarks, type Span } from '@/lib/board/timeline';
import { useZone } from '@/lib/time/useZone';
import { findMidnightMs, formatZoneMinute } from '@/lib/time/zone';
import styles from '@/lib/ui/Strip.module.css';

interface StripProps {
  readonly spans: readonly Span[];
  readonly startMs: number;
  readonly endMs: number;
  /** Between two marks of the scale. */
  readonly stepMs: number;
  /** From when the marks count, where that is not midnight. */
  readonly midnightMs?: number;
  /** What it shows, for people who cannot see it; left out where the text beside it says so. */
  readonly label?: string;
}

/** A stretch of history: one bar, coloured by status, over a scale of clock times. */
export function Strip({ spans, startMs, endMs, stepMs, midnightMs, label }: StripProps) {
  const zone = useZone();
  const lengthMs = endMs - startMs;
  const marks = listMarks(startMs, endMs, stepMs, midnightMs ?? findMidnightMs(zone, startMs));
  const percent = (ms: number): string => `${((100 * (ms - startMs)) / lengthMs).toFixed(3)}%`;
  // The text beside a mark near the end would be cut off; a whole step has room for it.
  const hasRoom = (ms: number): boolean => endMs - ms >= Math.min(lengthMs * 0.18, stepMs);
  const a11y = label === undefined ? { 'aria-hidden': true } : { role: 'img', 'aria-label': label };
  return (
    <div className={styles.strip} {...a11y}>
      <div className={styles.bar}>
        {spans.map((span) => (
          <i
            key={span.startMs}
            className={styles.span}
            data-span={nameLook(span.status)}
            style={{
              left: percent(span.startMs),
              width: `${((100 * (span.endMs - span.startMs)) / lengthMs).toFixed(3)}%`,
            }}
          />
        ))}
      </div>
      <div className={styles.scale}>
        {marks.map((markMs) => (
          <span key={markMs} className={styles.mark} style={{ left: percent(markMs) }}>
            {hasRoom(markMs) && formatZoneMinute(zone, markMs)}
          </span>
        ))}
      </div>
    </div>
  );
}

/** The colour of a status; what is not known has hatching of its own. */
function nameLook(status: Span['status']): string {
  if (status === null) return 'unseen';
  if (status === 'deleted') return status;
  const tags = { status_tag: 0, error_tag: 0, connection: true };
  return getEquipmentColor({ status, tags });
}
