import { useSettings } from '@/lib/hooks/useSettings';
import { languages, useStrings } from '@/lib/i18n/useStrings';
import type { Settings } from '@/lib/settings/settings';
import styles from './SettingsMenu.module.css';

const MENU_ID = 'display-settings';

/** View, wall mode, and a menu with language, brightness and status colours. */
export function SettingsMenu() {
  const strings = useStrings();
  const [, setSettings] = useSettings();
  const words = strings.header;
  const views = [
    ['grid', words.grid],
    ['plan', words.plan],
  ] as const;
  return (
    <div className={styles.controls}>
      <div className={styles.view}>
        <Choice label={words.view} name="view" options={views} isCompact />
      </div>
      <button
        type="button"
        className={`${styles.button} ${styles.wide}`}
        aria-label={words.wall}
        title={words.wall}
        onClick={() => {
          setSettings({ isWall: true });
          // Refused where the browser is a kiosk already; wall mode does without.
          document.documentElement.requestFullscreen?.().catch(() => undefined);
        }}
      >
        <svg viewBox="0 0 24 24" aria-hidden="true" className={styles.icon}>
          <path d="M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5" />
        </svg>
      </button>
      <button
        type="button"
        className={styles.button}
        aria-label={words.settings}
        title={words.settings}
        popoverTarget={MENU_ID}
      >
        <svg viewBox="0 0 24 24" aria-hidden="true" className={styles.icon}>
          <path d="M4 7h9M19 7h1M4 17h1M11 17h9" />
          <circle cx="16" cy="7" r="2.6" />
          <circle cx="8" cy="17" r="2.6" />
        </svg>
      </button>
      <div
        id={MENU_ID}
        popover="auto"
        className={styles.menu}
        role="group"
        aria-label={words.settings}
      >
        <div className={styles.narrow}>
          <Choice label={words.view} name="view" options={views} />
        </div>
        <Choice
          label={words.language}
          name="language"
          options={[
            ['ko', languages.ko.languageName],
            ['en', languages.en.languageName],
          ]}
        />
        <Choice
          label={words.theme}
          name="theme"
          options={[
            ['dark', words.dark],
            ['light', words.light],
          ]}
        />
        <Choice
          label={words.palette}
          name="palette"
          options={[
            ['contract', words.paletteContract],
            ['iec', words.paletteIec],
          ]}
        />
      </div>
    </div>
  );
}

type ChoiceName = Exclude<keyof Settings, 'isWall'>;

interface ChoiceProps<Name extends ChoiceName> {
  readonly label: string;
  readonly name: Name;
  readonly options: ReadonlyArray<readonly [value: Settings[Name], word: string]>;
  readonly isCompact?: boolean;
}

function Choice<Name extends ChoiceName>(props: ChoiceProps<Name>) {
  const { label, name, options, isCompact = false } = props;
  const [settings, setSettings] = useSettings();
  return (
    <div className={styles.choice}>
      {!isCompact && <span className={styles.label}>{label}</span>}
      <div className={styles.segments} role="group" aria-label={label}>
        {options.map(([value, word]) => (
          <button
            key={value}
            type="button"
            className={styles.segment}
            aria-pressed={settings[name] === value}
            onClick={() => setSettings({ [name]: value })}
          >
            {word}
          </button>
        ))}
      </div>
    </div>
  );
}
