import { useMemoryStrings } from '@/lib/i18n/useMemoryStrings';
import controls from './controls.module.css';

interface FirstOfProps {
  readonly shown: number;
  readonly total: number;
  readonly onMore: () => void;
}

/** Below a list that is shown in part: of how many it shows the first, and a way to more. */
export function FirstOf({ shown, total, onMore }: FirstOfProps) {
  const words = useMemoryStrings();
  if (shown >= total) return null;
  return (
    <p className={controls.soft} data-first-of={total}>
      {words.firstOf(shown, total)}{' '}
      <button type="button" className={controls.button} onClick={onMore}>
        {words.more}
      </button>
    </p>
  );
}
