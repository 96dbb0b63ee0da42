import { useState } from 'react';
import { SignedForm } from '@/features/report/SignedForm';
import { useMemoryStrings } from '@/lib/i18n/useMemoryStrings';
import { dateTimeOf } from '@/lib/kpi/days';
import { memoryRest, type Window } from '@/lib/memory/memoryRest';
import controls from '@/lib/ui/controls.module.css';
import styles from './ReportView.module.css';

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
  const [isOpen, setOpen] = useState(false);
  const [begin, end] = [window.from, window.to].map((at) => dateTimeOf(Date.parse(at), timeZone));
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
    <SignedForm
      label={words.rules.apply}
      commentLabel={words.rules.why}
      saveLabel={words.rules.applyNow}
      save={(signed) => memoryRest.applyRules({ line, version, ...window, ...signed })}
      onDone={onDone}
      onCancel={() => setOpen(false)}
    >
      <p className={styles.wide}>{words.rules.confirm(begin ?? '', end ?? '')}</p>
    </SignedForm>
  );
}
