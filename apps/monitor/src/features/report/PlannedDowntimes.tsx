import { type FormEvent, useCallback, useState } from 'react';
import { useMemoryStrings } from '@/lib/i18n/useMemoryStrings';
import { dateTimeOf, localOf, parseLocalMs } from '@/lib/kpi/days';
import { memoryRest } from '@/lib/memory/memoryRest';
import { useAnswer } from '@/lib/memory/useAnswer';
import { useName } from '@/lib/memory/useName';
import { useWrite } from '@/lib/memory/useWrite';
import type { PlannedDowntimeView, ReportView } from '@/lib/types/generated';
import controls from '@/lib/ui/controls.module.css';
import { Loaded } from '@/lib/ui/Loaded';
import { NameField } from '@/lib/ui/NameField';
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
  const [name] = useName();
  const write = useWrite();
  const nameOf = (code: string | null): string =>
    code === null
      ? words.wholeLine
      : (view.machines.find((row) => row.code === code)?.name ?? code);
  async function remove(id: number): Promise<void> {
    if (await write.run(() => memoryRest.removePlanned(id, name.trim()))) onChange();
  }
  return (
    <>
      <div className={controls.scroll}>
        <table className={controls.table} data-table="planned">
          <thead>
            <tr>
              <th scope="col">{words.machine}</th>
              <th scope="col">{words.begin}</th>
              <th scope="col">{words.end}</th>
              <th scope="col">{words.planned.what}</th>
              <th scope="col">{words.by}</th>
              <th scope="col">
                <span className="visually-hidden">{words.planned.remove}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {planned.map((item) => (
              <tr key={item.id}>
                <th scope="row">{nameOf(item.code)}</th>
                <td>{dateTimeOf(Date.parse(item.begin), view.time_zone)}</td>
                <td>{dateTimeOf(Date.parse(item.end), view.time_zone)}</td>
                <td>{item.comment}</td>
                <td>{item.by}</td>
                <td className={controls.number}>
                  <button
                    type="button"
                    className={`${controls.button} ${controls.small}`}
                    aria-label={words.planned.removeOf(nameOf(item.code))}
                    title={name.trim() === '' ? words.byHint : undefined}
                    disabled={write.isBusy || name.trim() === ''}
                    onClick={() => void remove(item.id)}
                  >
                    {words.planned.remove}
                  </button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {name.trim() === '' && (
        <div className={styles.who}>
          <NameField />
        </div>
      )}
      {write.error !== null && (
        <p role="alert" className={controls.refused}>
          {words.refused(write.error)}
        </p>
      )}
    </>
  );
}

const COMMENT_MAX = 500;

interface PlannedFormProps {
  readonly view: ReportView;
  readonly onDone: () => void;
  readonly onCancel: () => void;
}

function PlannedForm({ view, onDone, onCancel }: PlannedFormProps) {
  const words = useMemoryStrings();
  const write = useWrite();
  const [name] = useName();
  const { time_zone: timeZone } = view;
  const [code, setCode] = useState('');
  const [from, setFrom] = useState(() => localOf(Date.parse(view.begin), timeZone));
  const [to, setTo] = useState(() => localOf(Date.parse(view.begin) + 3_600_000, timeZone));
  const [comment, setComment] = useState('');
  const [fromMs, toMs] = [parseLocalMs(from, timeZone), parseLocalMs(to, timeZone)];
  const isInOrder = fromMs !== null && toMs !== null && fromMs < toMs;
  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault();
    if (!isInOrder) return;
    const planned = {
      by: name.trim(),
      line: view.line_id,
      code: code === '' ? null : code,
      from: new Date(fromMs).toISOString(),
      to: new Date(toMs).toISOString(),
      comment: comment.trim(),
    };
    if (await write.run(() => memoryRest.addPlanned(planned))) onDone();
  }
  return (
    <form
      className={styles.plannedForm}
      aria-label={words.planned.add}
      onSubmit={(event) => void submit(event)}
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
      <label className={controls.field}>
        {words.planned.what}
        <input
          className={controls.input}
          type="text"
          maxLength={COMMENT_MAX}
          value={comment}
          onChange={(event) => setComment(event.currentTarget.value)}
        />
      </label>
      <NameField />
      <div className={controls.bar}>
        <button
          type="submit"
          className={`${controls.button} ${controls.primary}`}
          disabled={!isInOrder || name.trim() === '' || write.isBusy}
        >
          {words.save}
        </button>
        <button type="button" className={controls.button} onClick={onCancel}>
          {words.cancel}
        </button>
      </div>
      {!isInOrder && <p className={controls.refused}>{words.planned.wrongOrder}</p>}
      {write.error !== null && (
        <p role="alert" className={controls.refused}>
          {words.refused(write.error)}
        </p>
      )}
    </form>
  );
}
