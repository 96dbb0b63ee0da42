/** Draws the past on a canvas. Only what can be seen, and no more rectangles than pixels. */
import { clipIntervals, eachRun } from '@/lib/timeline/intervals';
import { getVisibleLanes, type LaneLayout, toPx } from '@/lib/timeline/laneLayout';
import { type Interval, isEmpty, isSeen, type LaneStatus } from '@/lib/timeline/model';
import type { Palette } from '@/lib/timeline/palette';
import { BarRaster, type Raster, type Run } from '@/lib/timeline/raster';
import type { TilePart } from '@/lib/timeline/timelineStore';
import type { Axis } from '@/lib/timeline/ticks';
import type { Viewport } from '@/lib/timeline/viewport';

export interface Surface {
  readonly context: CanvasRenderingContext2D;
  readonly widthPx: number;
  readonly heightPx: number;
}

export interface Scene {
  readonly viewport: Viewport;
  readonly parts: readonly TilePart[];
  readonly axis: Axis;
  readonly palette: Palette;
  readonly nowMs: number;
}

export interface LanesScene extends Scene {
  readonly layout: LaneLayout;
  readonly codes: readonly string[];
  readonly scrollTopPx: number;
  readonly words: Readonly<Record<LaneStatus, string>>;
  /** The chosen interval, to be framed. */
  readonly chosen: { readonly lane: number; readonly interval: Interval } | null;
}

const SIGN_MIN_PX = 24;
const WORD_PADDING_PX = 7;

/** Give the canvas the size of its box in device pixels, and return how to draw on it in CSS pixels. */
export function prepare(
  canvas: HTMLCanvasElement,
  size: { readonly widthPx: number; readonly heightPx: number },
  ratio: number,
): Surface | null {
  const { widthPx, heightPx } = size;
  const [width, height] = [Math.round(widthPx * ratio), Math.round(heightPx * ratio)];
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const context = canvas.getContext('2d', { alpha: false });
  if (context === null || widthPx <= 0 || heightPx <= 0) return null;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return { context, widthPx, heightPx };
}

/** Draw the lanes that can be seen, over shifts and breaks. */
export function paintLanes(surface: Surface, scene: LanesScene): void {
  const { context, widthPx, heightPx } = surface;
  const { layout, codes, scrollTopPx, palette, viewport } = scene;
  const { first, last } = getVisibleLanes(layout, scrollTopPx, heightPx);
  const canvas = new LaneCanvas(surface, scene, buildGround(surface, scene, true));
  const wide: WideRun[] = [];
  for (let lane = first; lane <= last; lane += 1) {
    const topPx = lane * layout.rowPx - scrollTopPx;
    canvas.line(topPx + layout.rowPx - 1);
    for (const run of canvas.bar(codes[lane] ?? '', topPx + layout.barTopPx, layout.barPx)) {
      if (run.x1 - run.x0 >= SIGN_MIN_PX * palette.ratio && run.status !== 'running') {
        wide.push({ ...run, topPx: topPx + layout.barTopPx });
      }
    }
  }
  canvas.put();
  paintWords(context, wide, scene, layout.barPx);
  paintAlarms(surface, scene, first, last);
  if (scene.chosen !== null) {
    const { lane, interval } = scene.chosen;
    const x0 = toPx(viewport, interval.beginMs, widthPx);
    const x1 = Math.max(x0 + 3, toPx(viewport, interval.endMs, widthPx));
    const topPx = lane * layout.rowPx - scrollTopPx + layout.barTopPx;
    context.strokeStyle = palette.text;
    context.lineWidth = 2.5;
    context.strokeRect(x0 - 1, topPx - 1.5, x1 - x0 + 2, layout.barPx + 3);
  }
  paintNow(surface, scene);
}

/** Draw every lane in one low picture, for a scrubber: worst statuses stand out. */
export function paintOverview(
  surface: Surface,
  scene: Scene & { readonly codes: readonly string[] },
): void {
  const { heightPx } = surface;
  const { codes } = scene;
  const rowPx = heightPx / Math.max(1, codes.length);
  const barPx = Math.max(1, rowPx - (rowPx > 3 ? 1 : 0));
  const canvas = new LaneCanvas(surface, scene, buildGround(surface, scene, false));
  codes.forEach((code, lane) => canvas.bar(code, lane * rowPx, barPx));
  canvas.put();
  paintNow(surface, scene);
}

/** A canvas as pixels, from the ground up. */
class LaneCanvas {
  readonly #surface: Surface;
  readonly #scene: Scene;
  readonly #image: ImageData;
  readonly #raster: Raster;
  readonly #bars: BarRaster;

  constructor(surface: Surface, scene: Scene, ground: Uint32Array) {
    this.#surface = surface;
    this.#scene = scene;
    this.#image = getImage(surface.context);
    const { width, height, data } = this.#image;
    this.#raster = { pixels: new Uint32Array(data.buffer), width, height };
    for (let y = 0; y < height; y += 1) this.#raster.pixels.set(ground, y * width);
    this.#bars = new BarRaster(this.#raster, scene.palette.bars, ground);
  }

  /** Write one machine's bar; return its runs. */
  bar(code: string, topPx: number, barPx: number): readonly Run[] {
    const { viewport, parts, palette } = this.#scene;
    const { ratio } = palette;
    const { width } = this.#raster;
    const { startMs, endMs } = viewport;
    const scale = { startMs, msPerPx: (endMs - startMs) / width, widthPx: width };
    const runs: Run[] = [];
    for (const { tile, isWhole, ...part } of parts) {
      const lane = tile.lanes.get(code);
      if (lane === undefined) continue;
      const intervals = isWhole
        ? lane.intervals
        : clipIntervals(lane.intervals, part.startMs, part.endMs);
      eachRun(intervals, scale, (x0, x1, { status }) => runs.push({ x0, x1, status }));
    }
    const top = Math.round(topPx * ratio);
    const height = Math.max(1, Math.round((topPx + barPx) * ratio) - top);
    const phase = Math.floor(startMs / scale.msPerPx);
    this.#bars.draw(
      runs.filter(({ status }) => !isEmpty(status)),
      { top, height, ratio, phase },
    );
    return runs;
  }

  line(yPx: number): void {
    const y = Math.round(yPx * this.#scene.palette.ratio);
    const { pixels, width, height } = this.#raster;
    if (y < 0 || y >= height) return;
    pixels.fill(this.#scene.palette.pixel.line, y * width, (y + 1) * width);
  }

  put(): void {
    this.#surface.context.putImageData(this.#image, 0, 0);
  }
}

const images = new WeakMap<CanvasRenderingContext2D, ImageData>();

/** Return the pixels of the whole canvas, the same ones as long as its size is. */
function getImage(context: CanvasRenderingContext2D): ImageData {
  const { width, height } = context.canvas;
  const known = images.get(context);
  if (known?.width === width && known.height === height) return known;
  const image = context.createImageData(width, height);
  images.set(context, image);
  return image;
}

/** Return one row of what lies behind the lanes: shifts and breaks, and the marks of the axis. */
function buildGround(surface: Surface, scene: Scene, hasMarks: boolean): Uint32Array {
  const { width } = surface.context.canvas;
  const { viewport, axis, parts, palette } = scene;
  const { panel, ground, line, border } = palette.pixel;
  const row = new Uint32Array(width).fill(panel);
  const px = (atMs: number): number =>
    Math.min(width, Math.max(0, Math.round(toPx(viewport, atMs, width))));
  const darken = (fromMs: number, toMs: number): void => {
    if (toMs > fromMs) row.fill(ground, px(fromMs), px(toMs));
  };
  const hasShifts = parts.some(({ tile }) => tile.shifts.length > 0);
  for (const { tile, startMs, endMs } of parts) {
    const clip = (ms: number): number => Math.min(endMs, Math.max(startMs, ms));
    if (hasShifts) {
      let freeMs = startMs;
      for (const shift of [...tile.shifts].sort((a, b) => a.beginMs - b.beginMs)) {
        darken(freeMs, clip(shift.beginMs));
        freeMs = Math.max(freeMs, clip(shift.endMs));
      }
      darken(freeMs, endMs);
    }
    for (const pause of tile.breaks) darken(clip(pause.beginMs), clip(pause.endMs));
  }
  if (!hasMarks) return row;
  const mark = (atMs: number, color: number): void => {
    const x = Math.round(toPx(viewport, atMs, width));
    if (x >= 0) row.fill(color, x, x + Math.round(palette.ratio));
  };
  for (const { atMs } of axis.ticks) mark(atMs, line);
  for (const { atMs, isBorder } of axis.days) if (isBorder) mark(atMs, border);
  return row;
}

interface WideRun extends Run {
  readonly topPx: number;
}

/** Words where there is room for them, else the sign; nothing on what runs. */
function paintWords(
  context: CanvasRenderingContext2D,
  runs: readonly WideRun[],
  { palette, words }: LanesScene,
  barPx: number,
): void {
  if (barPx < 15) return;
  const fontPx = Math.min(14, Math.max(11, barPx * 0.42));
  context.font = `650 ${fontPx}px ${palette.font}`;
  context.textBaseline = 'middle';
  const widths = new Map<LaneStatus, number>();
  const signPx = Math.min(fontPx + 1, 14);
  for (const { x0, x1, status, topPx } of runs) {
    const word = words[status];
    const wordPx = widths.get(status) ?? context.measureText(word).width;
    widths.set(status, wordPx);
    const [x, widthPx] = [x0 / palette.ratio, (x1 - x0) / palette.ratio];
    const middlePx = topPx + barPx / 2;
    context.fillStyle = palette.inks[status];
    if (!isSeen(status)) {
      if (widthPx < wordPx + 2 * WORD_PADDING_PX) continue;
      clearBehind(context, palette.panel, x, middlePx, wordPx, fontPx);
      context.fillText(word, x + WORD_PADDING_PX, middlePx + 0.5);
      continue;
    }
    const leftPx = x + Math.min(WORD_PADDING_PX, (widthPx - signPx) / 2);
    const hasRoom = widthPx >= signPx + 5 + wordPx + 2 * WORD_PADDING_PX;
    if (status === 'disconnected') {
      const backPx = hasRoom ? signPx + 5 + wordPx : signPx;
      clearBehind(context, palette.grayBack, leftPx - 6, middlePx, backPx + 2, fontPx);
    }
    paintSign(context, status, leftPx, middlePx - signPx / 2, signPx);
    if (hasRoom) context.fillText(word, leftPx + signPx + 5, middlePx + 0.5);
  }
}

/** Words on hatching are hard to read: they get a piece of plain ground. */
function clearBehind(
  context: CanvasRenderingContext2D,
  color: string,
  x: number,
  middlePx: number,
  wordPx: number,
  fontPx: number,
): void {
  const ink = context.fillStyle;
  context.fillStyle = color;
  context.fillRect(x + 3, middlePx - fontPx * 0.75, wordPx + 8, fontPx * 1.5);
  context.fillStyle = ink;
}

const SIGNS: Readonly<Record<LaneStatus, string>> = {
  running: 'M5 3v18l15-9z',
  idle: 'M3 3h7v18H3zM14 3h7v18h-7z',
  stopped: 'M3 3h18v18H3z',
  error:
    'M10.27 3.02 1.3 18.6A2 2 0 0 0 3.03 21.6h17.94a2 2 0 0 0 1.73-3L13.73 3.02a2 2 0 0 0-3.46 0ZM10.6 8.4h2.8l-.4 6.4h-2l-.4-6.4Zm1.4 7.9a1.55 1.55 0 1 1 0 3.1 1.55 1.55 0 0 1 0-3.1Z',
  disconnected:
    'M4.3 2.6 21.4 19.7l-1.7 1.7-4.2-4.2a5.2 5.2 0 0 1-2.3.9V22h-2.4v-3.9A5.2 5.2 0 0 1 6.4 13v-2.3H4.6V8.3h2L2.6 4.3l1.7-1.7Zm4.5 8.1V13a3.2 3.2 0 0 0 4.9 2.5l-4.9-4.8ZM8 2h2.4v4H8V2Zm5.6 0H16v6.3h3.4v2.4h-1.8V13c0 .4 0 .8-.1 1.2l-5.9-5.9h2V2Z',
  unseen: '',
  deleted: '',
  not_yet: '',
  taken_out: '',
};
const paths = new Map<LaneStatus, Path2D>();

/** Draw the sign of a status, the same as in its box, in the colour of the context. */
export function paintSign(
  context: CanvasRenderingContext2D,
  status: LaneStatus,
  x: number,
  y: number,
  sizePx: number,
): void {
  let path = paths.get(status);
  if (path === undefined) {
    path = new Path2D(SIGNS[status]);
    paths.set(status, path);
  }
  context.save();
  context.translate(x, y);
  context.scale(sizePx / 24, sizePx / 24);
  context.fill(path, 'evenodd');
  context.restore();
}

const FLAG_STEP_PX = 4;

/** Alarms: a flag at the top of the bar, outlined, so that it shows on every colour. */
function paintAlarms(
  { context, widthPx }: Surface,
  { viewport, parts, palette, layout, codes, scrollTopPx }: LanesScene,
  first: number,
  last: number,
): void {
  const lanes = new Map<string, number>();
  for (let lane = first; lane <= last; lane += 1) lanes.set(codes[lane] ?? '', lane);
  context.fillStyle = palette.text;
  context.strokeStyle = palette.panel;
  context.lineWidth = 1.5;
  const reachedPx = new Map<number, number>();
  for (const part of parts) {
    for (const { code, atMs } of part.tile.alarms) {
      const lane = lanes.get(code);
      if (lane === undefined || atMs < part.startMs || atMs >= part.endMs) continue;
      const x = toPx(viewport, atMs, widthPx);
      // One that would hide behind the last tells nobody anything, and a week has thousands.
      if (x < (reachedPx.get(lane) ?? Number.NEGATIVE_INFINITY)) continue;
      reachedPx.set(lane, x + FLAG_STEP_PX);
      const y = lane * layout.rowPx - scrollTopPx + layout.barTopPx - 2;
      paintFlag(context, x, y);
      context.stroke();
      context.fill();
    }
  }
}

/** What comes after the present is not yet. */
function paintNow(
  { context, widthPx, heightPx }: Surface,
  { viewport, palette, nowMs }: Scene,
): void {
  const x = Math.round(toPx(viewport, nowMs, widthPx));
  if (x < 0 || x >= widthPx) return;
  context.fillStyle = palette.accent;
  context.fillRect(x, 0, 1.5, heightPx);
}

const AXIS_ROW_PX = 20;
export const AXIS_HEIGHT_PX = 3 * AXIS_ROW_PX;

/** Draw days, times, and the shifts of the line under them. */
export function paintAxis(surface: Surface, scene: Scene, restWord: string): void {
  const { context, widthPx, heightPx } = surface;
  const { viewport, axis, palette } = scene;
  const px = (atMs: number): number => toPx(viewport, atMs, widthPx);
  context.fillStyle = palette.panel;
  context.fillRect(0, 0, widthPx, heightPx);
  context.textBaseline = 'middle';
  context.font = `650 12.5px ${palette.font}`;
  for (const day of axis.days) {
    const [x0, x1] = [Math.max(0, px(day.atMs)), px(day.endMs)];
    context.fillStyle = palette.textSoft;
    if (day.isBorder) context.fillRect(Math.round(x0), 0, 1, heightPx);
    context.fillStyle = palette.text;
    const labelPx = context.measureText(day.label).width;
    if (labelPx + 12 < x1 - x0) context.fillText(day.label, x0 + 6, AXIS_ROW_PX / 2 + 1);
  }
  context.font = `500 12px ${palette.font}`;
  let freeFromPx = 0;
  for (const { atMs, label } of axis.ticks) {
    const x = Math.round(px(atMs));
    context.fillStyle = palette.line;
    context.fillRect(x, AXIS_ROW_PX + 2, 1, AXIS_ROW_PX - 2);
    const labelPx = context.measureText(label).width;
    if (x + 5 < freeFromPx || x + 5 + labelPx > widthPx) continue;
    context.fillStyle = palette.textSoft;
    context.fillText(label, x + 5, AXIS_ROW_PX * 1.5 + 1);
    freeFromPx = x + 5 + labelPx + 4;
  }
  paintShifts(surface, scene, restWord);
}

function paintShifts({ context, widthPx }: Surface, scene: Scene, restWord: string): void {
  const { viewport, parts, palette } = scene;
  const topPx = 2 * AXIS_ROW_PX + 1;
  const heightPx = AXIS_ROW_PX - 3;
  context.font = `600 11.5px ${palette.font}`;
  const drawn = new Set<string>();
  const rests: Array<{ readonly x0: number; readonly x1: number }> = [];
  const names: Array<{ readonly word: string; readonly x0: number; readonly x1: number }> = [];
  const draw = (beginMs: number, endMs: number, word: string, isRest: boolean): void => {
    // A shift over the border of two tiles is in both.
    const key = `${beginMs} ${endMs} ${word}`;
    if (drawn.has(key)) return;
    drawn.add(key);
    const x0 = Math.max(0, toPx(viewport, beginMs, widthPx));
    const x1 = Math.min(widthPx, toPx(viewport, endMs, widthPx));
    if (x1 - x0 < 2) return;
    context.fillStyle = isRest ? palette.ground : palette.raised;
    context.fillRect(x0, topPx, x1 - x0 - 1, heightPx);
    if (isRest) rests.push({ x0, x1 });
    else if (toPx(viewport, beginMs, widthPx) >= 0) {
      context.fillStyle = palette.accent;
      context.fillRect(x0, topPx, 2, heightPx);
    }
    names.push({ word, x0, x1 });
  };
  for (const { tile } of parts) {
    for (const { beginMs, endMs, name } of tile.shifts) draw(beginMs, endMs, name, false);
  }
  for (const { tile } of parts) {
    for (const { beginMs, endMs } of tile.breaks) draw(beginMs, endMs, restWord, true);
  }
  context.fillStyle = palette.textSoft;
  for (const { word, x0, x1 } of names) {
    const lengthPx = context.measureText(word).width + 12;
    // A shift whose first part that is seen is a break has its name behind it.
    const rest = rests.find((other) => other.x0 <= x0 && other.x1 < x1 && x0 < other.x1);
    const startPx = rest === undefined ? x0 : rest.x1;
    if (lengthPx <= x1 - startPx) context.fillText(word, startPx + 7, topPx + heightPx / 2 + 0.5);
  }
}

/** Draw one status, or an alarm, as large as the surface: for a legend. */
export function paintSwatch(
  { context, widthPx, heightPx }: Surface,
  palette: Palette,
  kind: LaneStatus | 'alarm',
): void {
  if (kind === 'alarm') {
    context.fillStyle = palette.ground;
    context.fillRect(0, 0, widthPx, heightPx);
    context.fillStyle = palette.text;
    paintFlag(context, widthPx / 2, heightPx / 2 - 5);
    context.fill();
    return;
  }
  const image = getImage(context);
  const { width, height, data } = image;
  const pixels = new Uint32Array(data.buffer).fill(palette.pixel.ground);
  const bars = new BarRaster({ pixels, width, height }, palette.bars, pixels.slice(0, width));
  const run = { x0: 0, x1: width, status: kind };
  bars.draw([run], { top: 0, height, ratio: palette.ratio, phase: 0 });
  context.putImageData(image, 0, 0);
}

function paintFlag(context: CanvasRenderingContext2D, x: number, y: number): void {
  context.beginPath();
  context.moveTo(x - 5, y);
  context.lineTo(x + 5, y);
  context.lineTo(x, y + 9);
  context.closePath();
}
