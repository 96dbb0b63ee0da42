import { useMemoryStrings } from '@/lib/i18n/useMemoryStrings';
import { dateTimeOf } from '@/lib/kpi/days';
import { memoryRest } from '@/lib/memory/memoryRest';
import { useName } from '@/lib/memory/useName';
import { useWrite } from '@/lib/memory/useWrite';
import type { RulesAppliedView } from '@/lib/types/generated';
import controls from '@/lib/ui/controls.module.css';
import { NameField } from '@/lib/ui/NameField';
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
  const [name] = useName();
  const write = useWrite();
  const by = name.trim();
  if (applied.length === 0) return null;
  async function takeBack(id: number): Promise<void> {
    if (await write.run(() => memoryRest.takeBackRules(id, by))) onChange();
  }
  return (
    <section aria-labelledby="rules-applied">
      <h3 id="rules-applied" className={styles.apply}>
        {words.rules.applied}
      </h3>
      <div className={controls.scroll}>
        <table className={controls.table} data-table="rules-applied">
          <thead>
            <tr>
              <th scope="col">{words.begin}</th>
              <th scope="col">{words.end}</th>
              <th scope="col">{words.rules.why}</th>
              <th scope="col">{words.by}</th>
              <th scope="col">
                <span className="visually-hidden">{words.rules.takeBack}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {applied.map((each) => {
              const begin = dateTimeOf(Date.parse(each.begin), timeZone);
              return (
                <tr key={each.id}>
                  <td>{begin}</td>
                  <td>{dateTimeOf(Date.parse(each.end), timeZone)}</td>
                  <td>{each.comment}</td>
                  <td>{each.by}</td>
                  <td className={controls.number}>
                    <button
                      type="button"
                      className={`${controls.button} ${controls.small}`}
                      aria-label={words.rules.takeBackOf(begin)}
                      title={by === '' ? words.byHint : undefined}
                      disabled={write.isBusy || by === ''}
                      onClick={() => void takeBack(each.id)}
                    >
                      {words.rules.takeBack}
                    </button>
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      {by === '' && (
        <div className={styles.who}>
          <NameField />
        </div>
      )}
      {write.error !== null && (
        <p role="alert" className={controls.refused}>
          {words.refused(write.error)}
        </p>
      )}
    </section>
  );
}
