/** A session that shows one moment of the past, for the components that draw the live one. */
import { type Connection, initialConnection } from '@/lib/connection/connection';
import type { LineSession, SessionState } from '@/lib/session/lineSession';
import type { Moment } from '@/lib/timeline/moment';

/** Nothing is heard in the past, and nothing is missed: whoever shows it says by himself what it is. */
const heard: Connection = { ...initialConnection, phase: 'live', socket: 'open' };

export class PastSession implements LineSession {
  readonly #live: LineSession;
  readonly #listeners = new Set<() => void>();
  #state: SessionState;

  /** `live` lends what does not depend on the moment: the line, its limits, the server. */
  constructor(live: LineSession, moment: Moment, atMs: number) {
    this.#live = live;
    this.#state = this.#build(moment, atMs);
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly getState = (): SessionState => this.#state;

  readonly reconnect = (): void => undefined;

  readonly dismissNotice = (): void => undefined;

  show(moment: Moment, atMs: number): void {
    this.#state = this.#build(moment, atMs);
    for (const listener of this.#listeners) listener();
  }

  #build({ board, unseenCodes }: Moment, atMs: number): SessionState {
    return {
      ...this.#live.getState(),
      board,
      connection: heard,
      lateCodes: unseenCodes,
      lateSinceMs: null,
      nowS: Math.floor(atMs / 1_000),
      dataAgeMs: null,
      malformedCount: 0,
    };
  }
}
