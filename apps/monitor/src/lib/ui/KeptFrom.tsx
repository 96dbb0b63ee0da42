import { useMemoryStrings } from '@/lib/i18n/useMemoryStrings';
import { dateTimeOf } from '@/lib/kpi/days';
import controls from './controls.module.css';

interface KeptFromProps {
  /** Null: nothing is missing. */
  readonly keptFrom: string | null;
  readonly timeZone: string;
}

/** Says that what happened before a moment was deleted, where a list of it would look empty. */
export function KeptFrom({ keptFrom, timeZone }: KeptFromProps) {
  const words = useMemoryStrings();
  if (keptFrom === null) return null;
  return (
    <p className={controls.soft} data-kept-from={keptFrom}>
      {words.keptFrom(dateTimeOf(Date.parse(keptFrom), timeZone))}
    </p>
  );
}
