/** The window that is looked at, for canvas and page alike. It moves along with the present. */
import {
  centreOn,
  DAY_MS,
  endAtNow,
  isFollowing,
  type Limits,
  panBy,
  type Viewport,
  zoomAt,
} from '@/lib/timeline/viewport';

/** Where nothing says how far back the records go, as far as they are kept at most. */
const UNKNOWN_PAST_MS = 400 * DAY_MS;

export class ViewportStore {
  readonly #listeners = new Set<() => void>();
  #viewport: Viewport;
  #limits: Limits;
  #isFollowing = true;

  constructor(spanMs: number, nowMs: number) {
    this.#viewport = endAtNow(spanMs, nowMs);
    this.#limits = { nowMs, earliestMs: nowMs - UNKNOWN_PAST_MS };
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly get = (): Viewport => this.#viewport;

  /** Time has gone on, or the beginning of the records has become known. */
  look(nowMs: number, knownFromMs: number | null): void {
    const earliestMs = (knownFromMs ?? nowMs - UNKNOWN_PAST_MS) - DAY_MS / 4;
    this.#limits = { nowMs, earliestMs };
    if (this.#isFollowing) this.#set(endAtNow(this.#spanMs, nowMs));
  }

  readonly zoom = (factor: number, anchorMs?: number): void => {
    const { startMs, endMs } = this.#viewport;
    // While the present can be seen it stays where it is; else the middle does.
    const middleMs = this.#isFollowing ? this.#limits.nowMs : (startMs + endMs) / 2;
    this.#move(zoomAt(this.#viewport, anchorMs ?? middleMs, factor, this.#limits));
  };

  readonly pan = (deltaMs: number): void => {
    this.#move(panBy(this.#viewport, deltaMs, this.#limits));
  };

  /** Show the last `spanMs` up to the present, or up to `aroundMs` and what came after. */
  readonly showSpan = (spanMs: number, aroundMs: number | null): void => {
    const { nowMs } = this.#limits;
    const latest = endAtNow(spanMs, nowMs);
    this.#move(aroundMs === null ? latest : centreOn(latest, aroundMs, this.#limits));
  };

  readonly showNow = (): void => this.showSpan(this.#spanMs, null);

  /** Move just so far that `atMs` can be seen. */
  readonly reveal = (atMs: number): void => {
    const { startMs, endMs } = this.#viewport;
    if (atMs >= startMs && atMs <= endMs) return;
    this.#move(centreOn(this.#viewport, atMs, this.#limits));
  };

  get isFollowing(): boolean {
    return this.#isFollowing;
  }

  get #spanMs(): number {
    return this.#viewport.endMs - this.#viewport.startMs;
  }

  #move(viewport: Viewport): void {
    this.#isFollowing = isFollowing(viewport, this.#limits.nowMs);
    this.#set(viewport);
  }

  #set(viewport: Viewport): void {
    const { startMs, endMs } = this.#viewport;
    if (viewport.startMs === startMs && viewport.endMs === endMs) return;
    this.#viewport = viewport;
    for (const listener of this.#listeners) listener();
  }
}
