import { useCallback, useMemo } from 'react';
import type { Span } from '@/lib/board/timeline';
import { useMemoryStrings } from '@/lib/i18n/useMemoryStrings';
import { useStrings } from '@/lib/i18n/useStrings';
import { clockOf } from '@/lib/kpi/days';
import { memoryRest, type Window } from '@/lib/memory/memoryRest';
import { useAnswer } from '@/lib/memory/useAnswer';
import { formatDuration } from '@/lib/time/format';
import { isEmpty, isSeen, type LaneStatus, parseTimeline } from '@/lib/timeline/model';
import { KeptFrom } from '@/lib/ui/KeptFrom';
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
 * The day as one bar; what nobody saw is hatched, and thinly what was deleted. What is to come is empty, and so is the time in
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
  const shown = useMemo(
    () =>
      (view === null ? [] : (parseTimeline(view).lanes[0]?.intervals ?? [])).filter(
        ({ status }) => !isEmpty(status),
      ),
    [view],
  );
  const spans = shown.map(({ beginMs, endMs, status }): Span => ({
    startMs: beginMs,
    endMs,
    status: isSeen(status) || status === 'deleted' ? status : null,
  }));
  const label = shown
    .slice(-SAID_MAX)
    .map(({ beginMs, endMs, status }) => {
      const length = formatDuration((endMs - beginMs) / 1_000, strings.duration);
      return `${clockOf(beginMs, timeZone)} ${nameOf(status)} ${length}`;
    })
    .join(', ');
  const keptFrom = shown.findLast(({ status }) => status === 'deleted')?.endMs;
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
          <KeptFrom
            keptFrom={keptFrom === undefined ? null : new Date(keptFrom).toISOString()}
            timeZone={timeZone}
          />
        </div>
      )}
    </Loaded>
  );

  function nameOf(status: LaneStatus): string {
    if (isSeen(status)) return strings.status[status];
    return status === 'deleted' ? words.deleted : words.unseen;
  }
}
