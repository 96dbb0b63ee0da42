import { useCallback, useState } from 'react';
import { type Signed, SignedForm } from '@/features/report/SignedForm';
import { SignedTable } from '@/features/report/SignedTable';
import { useMemoryStrings } from '@/lib/i18n/useMemoryStrings';
import { dateTimeOf, localOf, parseLocalMs } from '@/lib/kpi/days';
import { memoryRest } from '@/lib/memory/memoryRest';
import { useAnswer } from '@/lib/memory/useAnswer';
import type { PlannedDowntimeView, ReportView } from '@/lib/types/generated';
import controls from '@/lib/ui/controls.module.css';
import { Loaded } from '@/lib/ui/Loaded';
import styles from './ReportView.module.css';

interface PlannedDowntimesProps {
  readonly view: ReportView;
  /** Something was planned or unplanned, so every figure has changed. */
  readonly onChange: () => void;
}

/** Time that is not counted as planned work: entered and removed here, with a name. */
export function PlannedDowntimes({ view, onChange }: PlannedDowntimesProps) {
  const words = useMemoryStrings();
  const { line_id: line, begin: from, end: to } = view;
  const ask = useCallback(
    (signal: AbortSignal) => memoryRest.getPlanned({ line, from, to }, signal),
    [line, from, to],
  );
  const answer = useAnswer(ask);
  const [isOpen, setOpen] = useState(false);
  function change(): void {
    setOpen(false);
    answer.reload();
    onChange();
  }
  return (
    <section className={controls.panel} aria-labelledby="planned-list" data-panel="planned">
      <h2 id="planned-list" className={controls.title}>
        {words.planned.title} <small>{words.planned.help}</small>
      </h2>
      <Loaded answer={answer}>
        {(planned) =>
          planned.length === 0 ? (
            <p className={controls.soft}>{words.planned.none}</p>
          ) : (
            <PlannedList planned={planned} view={view} onChange={change} />
          )
        }
      </Loaded>
      <div className={styles.add}>
        {isOpen ? (
          <PlannedForm view={view} onDone={change} onCancel={() => setOpen(false)} />
        ) : (
          <button type="button" className={controls.button} onClick={() => setOpen(true)}>
            {words.planned.add}
          </button>
        )}
      </div>
    </section>
  );
}

interface PlannedListProps extends PlannedDowntimesProps {
  readonly planned: readonly PlannedDowntimeView[];
}

function PlannedList({ planned, view, onChange }: PlannedListProps) {
  const words = useMemoryStrings();
  const nameOf = (code: string | null): string =>
    code === null
      ? words.wholeLine
      : (view.machines.find((row) => row.code === code)?.name ?? code);
  const timeOf = (time: string): string => dateTimeOf(Date.parse(time), view.time_zone);
  return (
    <SignedTable
      table="planned"
      items={planned}
      heads={[words.machine, words.begin, words.end, words.planned.what]}
      cellsOf={({ code, begin, end, comment }) => (
        <>
          <th scope="row">{nameOf(code)}</th>
          <td>{timeOf(begin)}</td>
          <td>{timeOf(end)}</td>
          <td>{comment}</td>
        </>
      )}
      removeWord={words.planned.remove}
      removeWordOf={({ code }) => words.planned.removeOf(nameOf(code))}
      remove={memoryRest.removePlanned}
      onRemoved={onChange}
    />
  );
}

interface PlannedFormProps {
  readonly view: ReportView;
  readonly onDone: () => void;
  readonly onCancel: () => void;
}

function PlannedForm({ view, onDone, onCancel }: PlannedFormProps) {
  const words = useMemoryStrings();
  const { time_zone: timeZone } = view;
  const [code, setCode] = useState('');
  const [from, setFrom] = useState(() => localOf(Date.parse(view.begin), timeZone));
  const [to, setTo] = useState(() => localOf(Date.parse(view.begin) + 3_600_000, timeZone));
  const [fromMs, toMs] = [parseLocalMs(from, timeZone), parseLocalMs(to, timeZone)];
  const isInOrder = fromMs !== null && toMs !== null && fromMs < toMs;
  async function save(signed: Signed): Promise<void> {
    if (!isInOrder) return;
    await memoryRest.addPlanned({
      ...signed,
      line: view.line_id,
      code: code === '' ? null : code,
      from: new Date(fromMs).toISOString(),
      to: new Date(toMs).toISOString(),
    });
  }
  return (
    <SignedForm
      label={words.planned.add}
      commentLabel={words.planned.what}
      saveLabel={words.save}
      wrong={isInOrder ? null : words.planned.wrongOrder}
      save={save}
      onDone={onDone}
      onCancel={onCancel}
    >
      <label className={controls.field}>
        {words.machine}
        <select
          className={controls.input}
          value={code}
          onChange={(event) => setCode(event.currentTarget.value)}
        >
          <option value="">{words.wholeLine}</option>
          {view.machines.map((row) => (
            <option key={row.code} value={row.code ?? ''}>
              {row.name}
            </option>
          ))}
        </select>
      </label>
      <label className={controls.field}>
        {words.planned.from}
        <input
          className={controls.input}
          type="datetime-local"
          required
          value={from}
          onChange={(event) => setFrom(event.currentTarget.value)}
        />
      </label>
      <label className={controls.field}>
        {words.planned.to}
        <input
          className={controls.input}
          type="datetime-local"
          required
          value={to}
          onChange={(event) => setTo(event.currentTarget.value)}
        />
      </label>
    </SignedForm>
  );
}
