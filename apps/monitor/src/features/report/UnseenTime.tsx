import { useMemoryStrings } from '@/lib/i18n/useMemoryStrings';
import { useStrings } from '@/lib/i18n/useStrings';
import { getUnseenMs, listShares, type ShareName } from '@/lib/kpi/figures';
import { formatPercent } from '@/lib/kpi/percent';
import { formatDuration } from '@/lib/time/format';
import type { KpisView } from '@/lib/types/generated';
import controls from '@/lib/ui/controls.module.css';
import styles from './UnseenTime.module.css';

interface UnseenTimeProps {
  readonly kpis: KpisView;
  readonly onOpen: () => void;
}

/** How the planned time was spent; what nobody saw of it is always said, also when it is nothing. */
export function UnseenTime({ kpis, onOpen }: UnseenTimeProps) {
  const words = useMemoryStrings();
  const strings = useStrings();
  const shares = listShares(kpis);
  const unseenMs = getUnseenMs(kpis);
  const length = (ms: number): string => formatDuration(ms / 1_000, strings.duration);
  const nameOf = (name: ShareName): string =>
    name === 'unseen' ? words.unseen : strings.status[name];
  return (
    <section className={controls.panel} aria-labelledby="planned-title" data-panel="unseen">
      <h2 id="planned-title" className={controls.title}>
        {words.report.plannedTime} <small>{length(kpis.planned_busy_ms)}</small>
      </h2>
      <div className={styles.bar} aria-hidden="true">
        {shares.map(({ name, share }) => (
          <i key={name} data-share={name} style={{ flexGrow: share }} />
        ))}
      </div>
      <ul className={styles.legend}>
        {shares.map(({ name, ms, share }) => (
          <li key={name}>
            <i data-share={name} aria-hidden="true" />
            {nameOf(name)} <b>{formatPercent(share)}</b> <span>{length(ms)}</span>
          </li>
        ))}
      </ul>
      <p className={styles.unseen}>
        <b>{words.report.unseenTitle}</b>
        {unseenMs === 0 ? (
          words.report.unseenNone
        ) : (
          <>
            <button type="button" className={controls.link} onClick={onOpen}>
              {words.report.unseenText(
                length(unseenMs),
                formatPercent(unseenMs / kpis.planned_busy_ms),
              )}
            </button>
            <span>
              {[
                kpis.disconnected_ms > 0 &&
                  words.report.disconnectedPart(length(kpis.disconnected_ms)),
                kpis.unseen_ms > 0 && words.report.unseenPart(length(kpis.unseen_ms)),
              ]
                .filter((text) => text !== false)
                .join(', ')}
            </span>
          </>
        )}
      </p>
    </section>
  );
}
