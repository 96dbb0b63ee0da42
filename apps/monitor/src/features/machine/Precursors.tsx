import { useCallback } from 'react';
import { chooseText } from '@/lib/alarms/text';
import { useSettings } from '@/lib/hooks/useSettings';
import { useMemoryStrings } from '@/lib/i18n/useMemoryStrings';
import { useStrings } from '@/lib/i18n/useStrings';
import { memoryRest, type Window } from '@/lib/memory/memoryRest';
import { BEFORE_MS, findPrecursors, type Precursor } from '@/lib/memory/precursors';
import { useAnswer } from '@/lib/memory/useAnswer';
import type { Status } from '@/lib/types/equipment';
import controls from '@/lib/ui/controls.module.css';
import { Loaded } from '@/lib/ui/Loaded';
import styles from './MachineView.module.css';

interface PrecursorsProps {
  readonly code: string;
  readonly window: Window;
  /** The failures that its figures count in `window`: all of them are accounted for. Null: unknown. */
  readonly total: number | null;
}

const HOUR_MS = 3_600_000;
const SHOWN_MAX = 6;
/** Of fewer failures nothing can be said. */
const FAILURES_LEAST = 3;
/** What was there once is chance. */
const COUNT_LEAST = 2;

/** What stood in the ten minutes before the failures of thirty days; counted, not guessed. */
export function Precursors({ code, window, total }: PrecursorsProps) {
  const words = useMemoryStrings();
  const [{ language }] = useSettings();
  const { from, to } = window;
  const ask = useCallback(
    (signal: AbortSignal) => askBefore({ code, from, to }, total, signal),
    [code, from, to, total],
  );
  const answer = useAnswer(ask, HOUR_MS);
  return (
    <section className={controls.panel} aria-labelledby="machine-before">
      <h3 id="machine-before" className={controls.title}>
        {words.machineView.before}
      </h3>
      <p className={controls.soft}>{words.machineView.beforeHelp}</p>
      <Loaded answer={answer}>
        {({ all, begins, isDeleted, intervals, alarms }) => {
          const named = alarms.map(([, atMs, , textKo, textEn]) => ({
            atMs,
            text: chooseText(textKo, textEn, language),
          }));
          const { failures, unseen, found } = findPrecursors(begins, intervals, named);
          const deleted = isDeleted && all !== null ? Math.max(0, all - begins.length) : 0;
          return (
            <>
              <p className={styles.looked}>
                {words.machineView.beforeSeen(failures, begins.length + deleted)}{' '}
                {unseen > 0 && words.machineView.beforeUnseen(unseen)}{' '}
                {deleted > 0 && words.machineView.beforeDeleted(deleted)}
                {all === null && `${words.whyNone.deleted}.`}
              </p>
              {failures < FAILURES_LEAST ? (
                <p>{words.machineView.fewFailures}</p>
              ) : (
                <Found
                  failures={failures}
                  found={found.filter(({ count }) => count >= COUNT_LEAST).slice(0, SHOWN_MAX)}
                />
              )}
            </>
          );
        }}
      </Loaded>
    </section>
  );
}

/** Ask when the failures began that count, and what the machine did, from before the first on. */
async function askBefore(
  { code, from, to }: Window & { readonly code: string },
  all: number | null,
  signal: AbortSignal,
) {
  const earlier = new Date(Date.parse(from) - BEFORE_MS).toISOString();
  const [{ failures, kept_from }, { equipment, alarms }] = await Promise.all([
    memoryRest.getFailures({ code, from, to }, signal),
    memoryRest.getTimeline({ code, from: earlier, to }, signal),
  ]);
  return {
    all,
    begins: failures.map(([atMs]) => atMs),
    isDeleted: kept_from !== null,
    intervals: equipment[0]?.intervals ?? [],
    alarms,
  };
}

interface FoundProps {
  readonly failures: number;
  readonly found: readonly Precursor[];
}

function Found({ failures, found }: FoundProps) {
  const words = useMemoryStrings().machineView;
  const strings = useStrings();
  if (found.length === 0) return <p>{words.beforeNone}</p>;
  return (
    <ol className={styles.before}>
      {found.map(({ kind, name, count, share }) => (
        <li key={`${kind} ${name}`}>
          <span>
            {kind === 'status'
              ? words.precededByStatus(strings.status[name as Status])
              : words.precededByAlarm(name)}
          </span>
          <b>{words.beforeCount(count, failures)}</b>
          <i aria-hidden="true" style={{ width: `${100 * share}%` }} />
        </li>
      ))}
    </ol>
  );
}
