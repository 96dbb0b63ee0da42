/**
 * Lanes as pixels. A week of a hundred machines is tens of thousands of bars: as rectangles of a
 * canvas they take a third of a second, written into an array they take a few milliseconds.
 * Pure; lengths in device pixels, colours as the bytes of an ImageData.
 */
import { LANE_STATUSES, type LaneStatus } from '@/lib/timeline/model';

export interface RasterStyle {
  readonly fill: number;
  /** In place of fill and pattern where a run is too small for more than one bright colour. */
  readonly thin: number;
  /** At the foot of a run, for contrast against the panel; null: none. */
  readonly edge: number | null;
  /** Share of the bar's height, from its middle. */
  readonly share: number;
  /** Colours along a diagonal, over and over; null: plain. */
  readonly pattern: Uint32Array | null;
}

export type RasterStyles = Readonly<Record<LaneStatus, RasterStyle>>;

export interface Raster {
  readonly pixels: Uint32Array;
  readonly width: number;
  readonly height: number;
}

/** One status in [x0, x1). */
export interface Run {
  readonly x0: number;
  readonly x1: number;
  readonly status: LaneStatus;
}

export interface BarPlace {
  readonly top: number;
  readonly height: number;
  /** What one CSS pixel is in device pixels. */
  readonly ratio: number;
  /** Where the diagonals begin, so that they move along with the time. */
  readonly phase: number;
}

const THIN_PX = 6;
const EDGE_PX = 2;
const EDGE_BAR_MIN_PX = 10;
const CODES = LANE_STATUSES.length * 2;
const codeOf = Object.fromEntries(
  LANE_STATUSES.map((status, index) => [status, 1 + 2 * index]),
) as Record<LaneStatus, number>;

/** Keeps what one bar needs from row to row, so that no frame makes garbage. */
export class BarRaster {
  readonly #raster: Raster;
  readonly #styles: RasterStyles;
  readonly #ground: Uint32Array;
  readonly #codes: Uint8Array;
  readonly #table = new Uint32Array(1 + CODES);

  /** `ground` has the colours of one row without any bar. */
  constructor(raster: Raster, styles: RasterStyles, ground: Uint32Array) {
    this.#raster = raster;
    this.#styles = styles;
    this.#ground = ground;
    this.#codes = new Uint8Array(raster.width);
  }

  /** Write the bar of `runs`; where there is no run the ground stays as it is. */
  draw(runs: readonly Run[], place: BarPlace): void {
    const { pixels, width, height } = this.#raster;
    const thin = THIN_PX * place.ratio;
    const isLow = place.height < thin;
    this.#codes.fill(0);
    for (const { x0, x1, status } of runs) {
      this.#codes.fill(codeOf[status] + (isLow || x1 - x0 < thin ? 1 : 0), x0, x1);
    }
    let drawn = '';
    let drawnY = 0;
    for (let row = 0; row < place.height; row += 1) {
      const y = place.top + row;
      if (y < 0 || y >= height) continue;
      const offset = y * width;
      const key = this.#fillTable(row, place);
      if (key === drawn) {
        pixels.copyWithin(offset, drawnY * width, (drawnY + 1) * width);
      } else {
        this.#fillRow(offset);
        [drawn, drawnY] = [key, y];
      }
    }
    for (const run of runs) this.#drawPattern(run, place, isLow, thin);
  }

  /** Set the colour of each code in `row`; return what tells rows apart. */
  #fillTable(row: number, place: BarPlace): string {
    let key = '';
    for (const status of LANE_STATUSES) {
      const { fill, thin, edge, share } = this.#styles[status];
      const [first, last] = getRows(place.height, share);
      const isInside = row >= first && row < last;
      const hasEdge = edge !== null && last - first >= EDGE_BAR_MIN_PX * place.ratio;
      const isEdge = hasEdge && row >= last - EDGE_PX * place.ratio;
      const code = codeOf[status];
      this.#table[code] = !isInside ? 0 : isEdge ? edge : fill;
      this.#table[code + 1] = !isInside ? 0 : isEdge ? edge : thin;
      key += isInside ? (isEdge ? 'e' : 'f') : '-';
    }
    return key;
  }

  #fillRow(offset: number): void {
    const { pixels, width } = this.#raster;
    const [codes, table, ground] = [this.#codes, this.#table, this.#ground];
    for (let x = 0; x < width; x += 1) {
      const color = table[codes[x] ?? 0] ?? 0;
      pixels[offset + x] = color === 0 ? (ground[x] ?? 0) : color;
    }
  }

  #drawPattern({ x0, x1, status }: Run, place: BarPlace, isLow: boolean, thin: number): void {
    const { pattern, share, edge } = this.#styles[status];
    if (pattern === null || isLow || x1 - x0 < thin) return;
    const { pixels, width, height } = this.#raster;
    const [first, last] = getRows(place.height, share);
    const hasEdge = edge !== null && last - first >= EDGE_BAR_MIN_PX * place.ratio;
    const end = hasEdge ? last - EDGE_PX * place.ratio : last;
    const step = pattern.length;
    for (let row = first; row < end; row += 1) {
      const y = place.top + row;
      if (y < 0 || y >= height) continue;
      let at = (((x0 + row + place.phase) % step) + step) % step;
      for (let x = x0; x < x1; x += 1) {
        pixels[y * width + x] = pattern[at] ?? 0;
        at = at + 1 === step ? 0 : at + 1;
      }
    }
  }
}

/** Return the first row of a status in a bar, and the one after its last. */
export function getRows(height: number, share: number): readonly [number, number] {
  const rows = Math.max(1, Math.round(height * share));
  const first = Math.floor((height - rows) / 2);
  return [first, first + rows];
}

/** Return the colour as the four bytes of an ImageData on the little-endian machines of today. */
export function toPixel(red: number, green: number, blue: number): number {
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

/** Return the colour `share` of the way from `from` to `to`. */
export function mix(from: number, to: number, share: number): number {
  const part = (shift: number): number => {
    const [a, b] = [(from >>> shift) & 255, (to >>> shift) & 255];
    return Math.round(a + (b - a) * share);
  };
  return toPixel(part(0), part(8), part(16));
}

/** Return the colours along a diagonal of stripes `width` wide every `step`, with soft edges. */
export function buildStripes(
  step: number,
  width: number,
  stripe: number,
  ground: number,
): Uint32Array {
  const colors = new Uint32Array(Math.max(2, Math.round(step)));
  const middle = (colors.length - 1) / 2;
  for (let i = 0; i < colors.length; i += 1) {
    const inside = Math.min(1, Math.max(0, width / 2 + 0.5 - Math.abs(i - middle)));
    colors[i] = mix(ground, stripe, inside);
  }
  return colors;
}
