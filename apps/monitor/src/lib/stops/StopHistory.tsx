import { useCallback } from 'react';
import { useSettings } from '@/lib/hooks/useSettings';
import { useMemoryStrings } from '@/lib/i18n/useMemoryStrings';
import { dateTimeOf, endTimeOf } from '@/lib/kpi/days';
import { memoryRest } from '@/lib/memory/memoryRest';
import { useAnswer } from '@/lib/memory/useAnswer';
import { readAudit } from '@/lib/stops/audit';
import { nameReason } from '@/lib/stops/reasonTree';
import { getServerNowMs } from '@/lib/time/serverClock';
import type { DowntimeReasonView, StopView } from '@/lib/types/generated';
import controls from '@/lib/ui/controls.module.css';
import { Loaded } from '@/lib/ui/Loaded';
import styles from './StopsPanel.module.css';

interface StopHistoryProps {
  readonly stop: StopView;
  readonly timeZone: string;
  readonly reasons: readonly DowntimeReasonView[];
}

const YEAR_MS = 365 * 86_400_000;

/** Who wrote what about a stop, and what had been there before: nothing is overwritten unseen. */
export function StopHistory({ stop, timeZone, reasons }: StopHistoryProps) {
  const words = useMemoryStrings().stops;
  const [{ language }] = useSettings();
  const { code, begin } = stop;
  const ask = useCallback(
    (signal: AbortSignal) => {
      const to = new Date(
        Math.min(getServerNowMs() + 60_000, Date.parse(begin) + YEAR_MS),
      ).toISOString();
      return memoryRest.getAudit(code, { from: begin, to }, signal);
    },
    [code, begin],
  );
  const answer = useAnswer(ask);
  const nameOf = (reason: string | null): string | null =>
    reason === null ? null : nameReason(reasons, reason, language);
  return (
    <section className={styles.history} aria-labelledby="stop-history">
      <h3 id="stop-history">{words.history}</h3>
      <Loaded answer={answer}>
        {(entries) => {
          const changes = readAudit(entries, stop);
          if (changes.length === 0) return <p className={controls.soft}>{words.historyNone}</p>;
          return (
            <ol>
              {changes.map(({ id, at, by, kind, before, after, comment, momentMs }) => (
                <li key={id}>
                  <small>{dateTimeOf(Date.parse(at), timeZone)}</small> <b>{by}</b>{' '}
                  {kind === 'reason'
                    ? words.gave(nameOf(before), nameOf(after) ?? '–')
                    : words.marked(
                        kind,
                        momentMs === null ? '' : endTimeOf(Date.parse(begin), momentMs, timeZone),
                      )}
                  {comment !== '' && ` · ${comment}`}
                </li>
              ))}
            </ol>
          );
        }}
      </Loaded>
    </section>
  );
}
