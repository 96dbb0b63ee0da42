import { useMemoryStrings } from '@/lib/i18n/useMemoryStrings';
import { NAME_MAX, useName } from '@/lib/memory/useName';
import controls from './controls.module.css';

/** Who writes. Remembered by this screen, and the same in every form. */
export function NameField() {
  const words = useMemoryStrings();
  const [name, setName] = useName();
  return (
    <label className={controls.field}>
      {words.by}
      <input
        className={controls.input}
        type="text"
        name="by"
        autoComplete="name"
        required
        maxLength={NAME_MAX}
        title={words.byHint}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
    </label>
  );
}
