/**
 * What the board adds to the present of a line: its alarms, who acknowledged them, how often its
 * machines stood today, and by whose clock. One store for header, list and dialog; it asks over REST and never for more
 * than it shows.
 */
import { buildPath } from '@/lib/memory/memoryRest';
import { askPages } from '@/lib/memory/pages';
import type { AlarmsView, AlarmView, KpiRowsView, TodayView } from '@/lib/types/generated';
import { ACTIVE_STATES } from '@/lib/types/memory';
import { askServer } from '@/lib/rest/server';
import { namePlantZone } from '@/lib/time/zone';

const ALARMS_EVERY_MS = 10_000;
const TODAY_EVERY_MS = 60_000;
/** A thousand screens must not ask as one. */
const JITTER_MS = 2_000;
const TIMEOUT_MS = 10_000;
/** More than a line can have open: what is counted is all of them. */
const ALARMS_MAX = 20_000;
const NO_ANSWER: AlarmsView = { is_complete: false, next: null, alarms: [] };

export interface MachineToday {
  readonly failures: number;
  readonly stops: number;
}

export interface LineMemoryState {
  /** False until the first answer: then nothing is known, which is not the same as no alarms. */
  readonly isKnown: boolean;
  /** False: there may be more alarms than the server can read now. */
  readonly isComplete: boolean;
  /** Alarms that are not over: present, or not yet acknowledged. */
  readonly alarms: readonly AlarmView[];
  readonly unacknowledged: number;
  readonly today: ReadonlyMap<string, MachineToday>;
  /** When the line's day that goes on began, as the server says it; null: not known. */
  readonly dayBeganMs: number | null;
  /** The IANA name of the plant's time zone; null: not known, or the screen's own will do. */
  readonly timeZone: string | null;
}

const empty: LineMemoryState = {
  isKnown: false,
  isComplete: false,
  alarms: [],
  unacknowledged: 0,
  today: new Map(),
  dayBeganMs: null,
  timeZone: null,
};

export class LineMemory {
  readonly #lineId: string;
  readonly #listeners = new Set<() => void>();
  #state = empty;
  /** What was answered since the last tick. */
  #next = empty;
  #stopped = new AbortController();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();

  constructor(lineId: string) {
    this.#lineId = lineId;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly getState = (): LineMemoryState => this.#state;

  /** Someone acknowledged, or a machine changed: do not wait for the next round. */
  readonly reload = (): void => {
    void this.#askAlarms();
  };

  /** Say what was answered: with a tick of the line, so that both are one change of the screen. */
  readonly tell = (): void => {
    if (this.#next === this.#state) return;
    this.#state = this.#next;
    for (const listener of this.#listeners) listener();
  };

  start(): void {
    this.#stopped = new AbortController();
    void this.#repeat(() => this.#askAlarms(), ALARMS_EVERY_MS);
    void this.#repeat(() => this.#askToday(), TODAY_EVERY_MS);
  }

  stop(): void {
    this.#stopped.abort();
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  async #repeat(ask: () => Promise<void>, everyMs: number): Promise<void> {
    const { signal } = this.#stopped;
    if (document.visibilityState === 'visible') await ask();
    if (signal.aborted) return;
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer);
        void this.#repeat(ask, everyMs);
      },
      everyMs + Math.random() * JITTER_MS,
    );
    this.#timers.add(timer);
  }

  async #askAlarms(): Promise<void> {
    const query = { line: this.#lineId, state: ACTIVE_STATES };
    const pages = await askPages(async (cursor, limit) => {
      const path = buildPath('/api/alarms', { ...query, cursor, limit });
      return (await this.#get<AlarmsView>(path)) ?? NO_ANSWER;
    }, ALARMS_MAX);
    if (pages.includes(NO_ANSWER)) return;
    const alarms = alarmsOfPages(pages);
    const unacknowledged = alarms.filter(isUnacknowledged).length;
    const isComplete = pages.every((page) => page.is_complete);
    this.#update({ isKnown: true, isComplete, alarms, unacknowledged });
  }

  async #askToday(): Promise<void> {
    const day = await this.#get<TodayView>(buildPath('/api/today', { line: this.#lineId }));
    if (day === null) return;
    this.#update({
      timeZone: namePlantZone(day.time_zone),
      dayBeganMs: Date.parse(day.begin),
    });
    const query = { line: this.#lineId, from: day.begin, to: day.end, by: 'equipment' };
    const view = await this.#get<KpiRowsView>(buildPath('/api/kpis', query));
    if (view === null) return;
    const today = new Map<string, MachineToday>();
    for (const { code, failures, stops } of view.rows) {
      if (code !== null && failures !== null) today.set(code, { failures, stops });
    }
    this.#update({ today });
  }

  /** Return the answer; null where there is none, and then what is known stays. */
  async #get<View>(path: string): Promise<View | null> {
    const { signal } = this.#stopped;
    try {
      const response = await askServer(path, { signal, timeoutMs: TIMEOUT_MS });
      return response.ok ? ((await response.json()) as View) : null;
    } catch {
      return null;
    }
  }

  #update(change: Partial<LineMemoryState>): void {
    if (this.#stopped.signal.aborted) return;
    const next = { ...this.#next, ...change };
    // Most answers say what the last one said; nothing is rendered for those.
    if (JSON.stringify(comparable(next)) !== JSON.stringify(comparable(this.#next))) {
      this.#next = next;
    }
  }
}

function comparable({ today, ...rest }: LineMemoryState): object {
  return { ...rest, today: [...today] };
}

/** Return whether somebody still has to look at `alarm`. */
export function isUnacknowledged({ state }: Pick<AlarmView, 'state'>): boolean {
  return state === 'unacknowledged' || state === 'returned_unacknowledged';
}

/**
 * Return those of `alarms` that concern a machine, the newest first: its own, and that of its lost
 * PLC for as long as it is lost.
 */
export function listMachineAlarms(
  alarms: readonly AlarmView[],
  code: string,
  plcId: string | null,
): readonly AlarmView[] {
  return alarms
    .filter((alarm) =>
      alarm.kind === 'plc' ? alarm.is_on && alarm.plc_id === plcId : alarm.code === code,
    )
    .sort((a, b) => b.raised.localeCompare(a.raised));
}

/** Return the newest alarm of a lost PLC that is not over, if there is one. */
export function findPlcAlarm(state: LineMemoryState, plcId: string): AlarmView | null {
  return state.alarms.find((alarm) => alarm.kind === 'plc' && alarm.plc_id === plcId) ?? null;
}

/** Return the alarms of all pages, the last raised first: what was raised again may be on two. */
export function alarmsOfPages(pages: readonly Pick<AlarmsView, 'alarms'>[]): readonly AlarmView[] {
  const byId = new Map<number, AlarmView>();
  for (const alarm of pages.flatMap((page) => page.alarms)) byId.set(alarm.id, alarm);
  return [...byId.values()].sort(
    (a, b) => Date.parse(b.last_raised) - Date.parse(a.last_raised) || b.id - a.id,
  );
}
