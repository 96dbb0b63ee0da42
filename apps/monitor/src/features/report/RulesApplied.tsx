import { SignedTable } from '@/features/report/SignedTable';
import { useMemoryStrings } from '@/lib/i18n/useMemoryStrings';
import { dateTimeOf } from '@/lib/kpi/days';
import { memoryRest } from '@/lib/memory/memoryRest';
import type { RulesAppliedView } from '@/lib/types/generated';
import styles from './ReportView.module.css';

interface RulesAppliedProps {
  /** Of the line of the report. */
  readonly applied: readonly RulesAppliedView[];
  readonly timeZone: string;
  readonly onChange: () => void;
}

/** Which times of the past are judged by later rules, by whose decision; each can be taken back. */
export function RulesApplied({ applied, timeZone, onChange }: RulesAppliedProps) {
  const words = useMemoryStrings();
  const timeOf = (time: string): string => dateTimeOf(Date.parse(time), timeZone);
  if (applied.length === 0) return null;
  return (
    <section aria-labelledby="rules-applied">
      <h3 id="rules-applied" className={styles.apply}>
        {words.rules.applied}
      </h3>
      <SignedTable
        table="rules-applied"
        items={applied}
        heads={[words.begin, words.end, words.rules.why]}
        cellsOf={({ begin, end, comment }) => (
          <>
            <td>{timeOf(begin)}</td>
            <td>{timeOf(end)}</td>
            <td>{comment}</td>
          </>
        )}
        removeWord={words.rules.takeBack}
        removeWordOf={({ begin }) => words.rules.takeBackOf(timeOf(begin))}
        remove={memoryRest.takeBackRules}
        onRemoved={onChange}
      />
    </section>
  );
}
