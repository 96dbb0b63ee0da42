import { useCallback, useMemo } from 'react';
import type { Span } from '@/lib/board/timeline';
import { useMemoryStrings } from '@/lib/i18n/useMemoryStrings';
import { useStrings } from '@/lib/i18n/useStrings';
import { clockOf } from '@/lib/kpi/days';
import { memoryRest, type Window } from '@/lib/memory/memoryRest';
import { useAnswer } from '@/lib/memory/useAnswer';
import { formatDuration } from '@/lib/time/format';
import { isEmpty, isSeen, parseTimeline } from '@/lib/timeline/model';
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

/**
 * The day as one bar; what nobody saw is hatched. What is to come is empty, and so is the time in
 * which the machine was not configured.
 */
export function TodayStrip({ code, window, timeZone }: TodayStripProps) {
  const words = useMemoryStrings();
  const strings = useStrings();
  const { from, to } = window;
  const ask = useCallback(
    (signal: AbortSignal) => memoryRest.getTimeline({ code, from, to }, signal),
    [code, from, to],
  );
  const answer = useAnswer(ask);
  const { view } = answer;
  const spans = useMemo(
    () =>
      (view === null ? [] : (parseTimeline(view).lanes[0]?.intervals ?? [])).flatMap(
        ({ beginMs, endMs, status }): readonly Span[] =>
          isEmpty(status)
            ? []
            : [{ startMs: beginMs, endMs, status: isSeen(status) ? status : null }],
      ),
    [view],
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
