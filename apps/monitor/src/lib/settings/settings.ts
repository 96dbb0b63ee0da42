/**
 * What a person chose for this screen: address first (kiosks), then local storage, then defaults.
 * The parsing is pure; storage may be missing or full, and then choices last as long as the page.
 */

const LANGUAGES = ['ko', 'en'] as const;
const THEMES = ['dark', 'light'] as const;
const PALETTES = ['contract', 'iec'] as const;
const VIEWS = ['grid', 'plan'] as const;

export type Language = (typeof LANGUAGES)[number];
export type Theme = (typeof THEMES)[number];
export type Palette = (typeof PALETTES)[number];
export type View = (typeof VIEWS)[number];

export interface Settings {
  readonly language: Language;
  readonly theme: Theme;
  readonly palette: Palette;
  readonly view: View;
  readonly isWall: boolean;
}

const STORAGE_KEY = 'lineside.settings';

const defaults: Settings = {
  language: 'ko',
  theme: 'dark',
  palette: 'contract',
  view: 'grid',
  isWall: false,
};

/** Return the settings that `search` and `stored` ask for; anything unknown is left out. */
export function parseSettings(search: string, stored: string | null): Settings {
  const params = new URLSearchParams(search);
  const kept = parseStored(stored);
  return {
    language:
      pick(LANGUAGES, params.get('lang')) ?? pick(LANGUAGES, kept.language) ?? defaults.language,
    theme: pick(THEMES, params.get('theme')) ?? pick(THEMES, kept.theme) ?? defaults.theme,
    palette:
      pick(PALETTES, params.get('palette')) ?? pick(PALETTES, kept.palette) ?? defaults.palette,
    view: pick(VIEWS, params.get('view')) ?? pick(VIEWS, kept.view) ?? defaults.view,
    // Wall mode is asked for by address or by hand, never remembered: it hides its own way out.
    isWall: params.get('wall') === '1',
  };
}

function pick<Choice extends string>(choices: readonly Choice[], value: unknown): Choice | null {
  return choices.find((choice) => choice === value) ?? null;
}

function parseStored(stored: string | null): Readonly<Record<string, unknown>> {
  if (stored === null) return {};
  try {
    const value: unknown = JSON.parse(stored);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

function readStored(): string | null {
  try {
    return window.localStorage.getItem(STORAGE_KEY);
  } catch {
    return null;
  }
}

function writeStored(settings: Settings): void {
  const { language, theme, palette, view } = settings;
  try {
    window.localStorage.setItem(STORAGE_KEY, JSON.stringify({ language, theme, palette, view }));
  } catch {
    // A kiosk without storage keeps its choices until it is reloaded.
  }
}

/** Take wall mode out of the address, so that a reload does not bring it back. */
function leaveTheWall(): void {
  const address = new URL(window.location.href);
  if (!address.searchParams.has('wall')) return;
  address.searchParams.delete('wall');
  window.history.replaceState(null, '', address);
}

/** The settings as an external store; the document's root carries them for the style sheets. */
export class SettingsStore {
  #settings: Settings;
  readonly #listeners = new Set<() => void>();

  constructor() {
    this.#settings = parseSettings(window.location.search, readStored());
    this.#show();
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly get = (): Settings => this.#settings;

  readonly set = (change: Partial<Settings>): void => {
    this.#settings = { ...this.#settings, ...change };
    writeStored(this.#settings);
    if (change.isWall === false) leaveTheWall();
    this.#show();
    for (const listener of this.#listeners) listener();
  };

  #show(): void {
    const root = document.documentElement;
    root.lang = this.#settings.language;
    root.dataset.theme = this.#settings.theme;
    root.dataset.palette = this.#settings.palette;
    root.toggleAttribute('data-wall', this.#settings.isWall);
  }
}
