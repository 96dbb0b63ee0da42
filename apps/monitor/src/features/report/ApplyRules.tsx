import { type FormEvent, useState } from 'react';
import { useMemoryStrings } from '@/lib/i18n/useMemoryStrings';
import { dateTimeOf } from '@/lib/kpi/days';
import { flatten, memoryRest, type Window } from '@/lib/memory/memoryRest';
import { useName } from '@/lib/memory/useName';
import { useWrite } from '@/lib/memory/useWrite';
import controls from '@/lib/ui/controls.module.css';
import { NameField } from '@/lib/ui/NameField';
import styles from './ReportView.module.css';

const COMMENT_MAX = 500;

interface ApplyRulesProps {
  readonly line: string;
  /** Of the configuration by which the difference was shown; the server applies no other. */
  readonly version: number;
  /** The time for which the difference was shown. */
  readonly window: Window;
  readonly timeZone: string;
  readonly onDone: () => void;
}

/** Let today's rules judge a time of the past: in two steps, by name, having been told what it does. */
export function ApplyRules({ line, version, window, timeZone, onDone }: ApplyRulesProps) {
  const words = useMemoryStrings();
  const write = useWrite();
  const [name] = useName();
  const [isOpen, setOpen] = useState(false);
  const [comment, setComment] = useState('');
  const by = name.trim();
  const [begin, end] = [window.from, window.to].map((at) => dateTimeOf(Date.parse(at), timeZone));
  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault();
    const wish = { line, version, ...window, by, comment: flatten(comment) };
    if (await write.run(() => memoryRest.applyRules(wish))) onDone();
  }
  if (!isOpen) {
    return (
      <div className={styles.add}>
        <button type="button" className={controls.button} onClick={() => setOpen(true)}>
          {words.rules.apply}
        </button>
      </div>
    );
  }
  return (
    <form
      className={styles.plannedForm}
      aria-label={words.rules.apply}
      onSubmit={(event) => void submit(event)}
    >
      <p className={styles.wide}>{words.rules.confirm(begin ?? '', end ?? '')}</p>
      <label className={controls.field}>
        {words.rules.why}
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
          disabled={by === '' || write.isBusy}
        >
          {words.rules.applyNow}
        </button>
        <button type="button" className={controls.button} onClick={() => setOpen(false)}>
          {words.cancel}
        </button>
      </div>
      {write.error !== null && (
        <p role="alert" className={controls.refused}>
          {words.refused(write.error)}
        </p>
      )}
    </form>
  );
}
