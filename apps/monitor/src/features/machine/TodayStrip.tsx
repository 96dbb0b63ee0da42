import { useCallback, useMemo } from 'react';
import type { Span } from '@/lib/board/timeline';
import { useMemoryStrings } from '@/lib/i18n/useMemoryStrings';
import { useStrings } from '@/lib/i18n/useStrings';
import { clockOf } from '@/lib/kpi/days';
import { memoryRest, type Window } from '@/lib/memory/memoryRest';
import { useAnswer } from '@/lib/memory/useAnswer';
import { formatDuration } from '@/lib/time/format';
import { Loaded } from '@/lib/ui/Loaded';
import { Strip } from '@/lib/ui/Strip';
import styles from './MachineView.module.css';

interface TodayStripProps {
  readonly code: string;
  readonly window: Window;
  readonly timeZone: string;
}

const STEP_MS = 4 * 3_600_000;
const SAID_MAX = 20;

/** The day as one bar; what nobody saw is hatched, and what is to come is empty. */
export function TodayStrip({ code, window, timeZone }: TodayStripProps) {
  const words = useMemoryStrings();
  const strings = useStrings();
  const { from, to } = window;
  const ask = useCallback(
    (signal: AbortSignal) => memoryRest.getTimeline({ code, from, to }, signal),
    [code, from, to],
  );
  const answer = useAnswer(ask);
  const intervals = answer.view?.equipment[0]?.intervals;
  const spans = useMemo(
    () =>
      (intervals ?? []).map(([startMs, endMs, status]): Span => ({
        startMs,
        endMs,
        status: status === 'unseen' ? null : status,
      })),
    [intervals],
  );
  const label = spans
    .slice(-SAID_MAX)
    .map((span) => {
      const word = span.status === null ? words.unseen : strings.status[span.status];
      const length = formatDuration((span.endMs - span.startMs) / 1_000, strings.duration);
      return `${clockOf(span.startMs, timeZone)} ${word} ${length}`;
    })
    .join(', ');
  return (
    <Loaded answer={answer}>
      {() => (
        <div className={styles.strip}>
          <Strip
            spans={spans}
            startMs={Date.parse(from)}
            endMs={Date.parse(to)}
            stepMs={STEP_MS}
            label={label === '' ? words.unseen : label}
          />
        </div>
      )}
    </Loaded>
  );
}
