/** The canvases of the timeline, outside of React: drawn once per frame, and only when needed. */
import {
  AXIS_HEIGHT_PX,
  paintAxis,
  paintLanes,
  prepare,
  type LanesScene,
} from '@/lib/timeline/paint';
import { type LaneLayout, toPx } from '@/lib/timeline/laneLayout';
import type { Interval, LaneStatus } from '@/lib/timeline/model';
import { type Palette, readPalette } from '@/lib/timeline/palette';
import { buildAxis } from '@/lib/timeline/ticks';
import { chooseLevel, type Level } from '@/lib/timeline/tiles';
import type { TimelineStore } from '@/lib/timeline/timelineStore';
import type { ViewportStore } from '@/lib/timeline/viewportStore';
import type { Zone } from '@/lib/time/zone';

export interface ChartElements {
  readonly axis: HTMLCanvasElement;
  readonly lanes: HTMLCanvasElement;
  readonly scroller: HTMLElement;
  /** The cursor of the time machine, moved by its left edge. */
  readonly cursor: HTMLElement;
}

export interface ChartOptions {
  readonly store: TimelineStore;
  readonly viewport: ViewportStore;
  readonly layout: LaneLayout;
  readonly codes: readonly string[];
  readonly widthPx: number;
  readonly heightPx: number;
  readonly zone: Zone;
  readonly language: string;
  readonly words: Readonly<Record<LaneStatus, string>>;
  readonly restWord: string;
  readonly chosen: { readonly lane: number; readonly interval: Interval } | null;
  /** Theme and colours: a new word asks for a new palette. */
  readonly dress: string;
  readonly getNowMs: () => number;
  /** Null: the present. */
  readonly getCursorMs: () => number | null;
}

const LABEL_PX = 62;

export class Chart {
  readonly #elements: ChartElements;
  #options: ChartOptions;
  #palette: { readonly key: string; readonly palette: Palette } | null = null;
  #frame = 0;

  constructor(elements: ChartElements, options: ChartOptions) {
    this.#elements = elements;
    this.#options = options;
    this.invalidate();
  }

  update(options: ChartOptions): void {
    this.#options = options;
    this.invalidate();
  }

  /** Draw with the next frame; however often it is asked for, once. */
  readonly invalidate = (): void => {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#draw();
    });
  };

  /** Ask for what is in sight, and for as much again on both sides. */
  want(): void {
    const { store, viewport, getNowMs } = this.#options;
    const { startMs, endMs } = viewport.get();
    const spareMs = (endMs - startMs) / 2;
    store.want(this.getLevel(), startMs - spareMs, endMs + spareMs, getNowMs());
  }

  getLevel(): Level {
    const { viewport, widthPx } = this.#options;
    const { startMs, endMs } = viewport.get();
    return chooseLevel((endMs - startMs) / Math.max(1, widthPx));
  }

  destroy(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
  }

  #draw(): void {
    const { axis, lanes, scroller, cursor } = this.#elements;
    const options = this.#options;
    const { widthPx, heightPx, viewport, store, zone, language } = options;
    if (widthPx <= 0 || heightPx <= 0) return;
    this.want();
    const ratio = Math.min(3, window.devicePixelRatio);
    const window_ = viewport.get();
    const scene: LanesScene = {
      viewport: window_,
      parts: store.collect(this.getLevel(), window_.startMs, window_.endMs),
      axis: buildAxis({ ...window_, widthPx }, zone, language, LABEL_PX),
      palette: this.#getPalette(ratio),
      nowMs: options.getNowMs(),
      layout: options.layout,
      codes: options.codes,
      scrollTopPx: scroller.scrollTop,
      words: options.words,
      chosen: options.chosen,
    };
    const axisSurface = prepare(axis, { widthPx, heightPx: AXIS_HEIGHT_PX }, ratio);
    if (axisSurface !== null) paintAxis(axisSurface, scene, options.restWord);
    const surface = prepare(lanes, { widthPx, heightPx }, ratio);
    if (surface !== null) paintLanes(surface, scene);
    const cursorMs = options.getCursorMs();
    const x = cursorMs === null ? -1 : toPx(window_, cursorMs, widthPx);
    cursor.hidden = x < 0 || x > widthPx;
    cursor.style.translate = `${x.toFixed(1)}px`;
  }

  #getPalette(ratio: number): Palette {
    const key = `${this.#options.dress} ${ratio}`;
    if (this.#palette?.key !== key) {
      this.#palette = { key, palette: readPalette(this.#elements.lanes, ratio) };
    }
    return this.#palette.palette;
  }
}
