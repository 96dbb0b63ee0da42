import { useMemoryStrings } from '@/lib/i18n/useMemoryStrings';
import type { Write } from '@/lib/memory/useWrite';
import controls from './controls.module.css';

/** Why the server did not take what a person wrote; nothing while it took all. */
export function Refused({ write }: { readonly write: Write }) {
  const words = useMemoryStrings();
  if (write.error === null) return null;
  return (
    <p role="alert" className={controls.refused}>
      {words.refused(write.error)}
    </p>
  );
}
