import { type FormEvent, type ReactNode, useState } from 'react';
import { useMemoryStrings } from '@/lib/i18n/useMemoryStrings';
import { flatten } from '@/lib/memory/memoryRest';
import { useName } from '@/lib/memory/useName';
import { useWrite } from '@/lib/memory/useWrite';
import controls from '@/lib/ui/controls.module.css';
import { NameField } from '@/lib/ui/NameField';
import { Refused } from '@/lib/ui/Refused';
import styles from './ReportView.module.css';

const COMMENT_MAX = 500;

export interface Signed {
  readonly by: string;
  /** One line. */
  readonly comment: string;
}

interface SignedFormProps {
  readonly label: string;
  readonly commentLabel: string;
  readonly saveLabel: string;
  /** Why it cannot be saved as it is; null: it can. */
  readonly wrong?: string | null;
  readonly save: (signed: Signed) => Promise<unknown>;
  readonly onDone: () => void;
  readonly onCancel: () => void;
  /** The fields before the comment. */
  readonly children: ReactNode;
}

/** Something that a person enters with a comment, by name. */
export function SignedForm(props: SignedFormProps) {
  const { label, commentLabel, saveLabel, wrong = null, save, onDone, onCancel, children } = props;
  const words = useMemoryStrings();
  const write = useWrite();
  const [name] = useName();
  const [comment, setComment] = useState('');
  const by = name.trim();
  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault();
    if (wrong !== null) return;
    if (await write.run(() => save({ by, comment: flatten(comment) }))) onDone();
  }
  return (
    <form
      className={styles.plannedForm}
      aria-label={label}
      onSubmit={(event) => void submit(event)}
    >
      {children}
      <label className={controls.field}>
        {commentLabel}
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
          disabled={wrong !== null || by === '' || write.isBusy}
        >
          {saveLabel}
        </button>
        <button type="button" className={controls.button} onClick={onCancel}>
          {words.cancel}
        </button>
      </div>
      {wrong !== null && <p className={controls.refused}>{wrong}</p>}
      <Refused write={write} />
    </form>
  );
}
