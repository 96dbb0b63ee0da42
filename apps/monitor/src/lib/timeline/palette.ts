/** The colours and patterns in force, for the canvas: the design tokens of theme and palette. */
import { getEquipmentColor } from '@/lib/board/getEquipmentColor';
import { isEmpty, isSeen, LANE_STATUSES, type LaneStatus } from '@/lib/timeline/model';
import { tagsOf } from '@/lib/timeline/moment';
import {
  buildStripes,
  mix,
  type RasterStyle,
  type RasterStyles,
  toPixel,
} from '@/lib/timeline/raster';

export interface Palette {
  readonly ratio: number;
  /** How each status is drawn: its height, pattern and sign say the same as its colour. */
  readonly bars: RasterStyles;
  /** What is written on a bar. */
  readonly inks: Readonly<Record<LaneStatus, string>>;
  /** As pixels, for what lies behind the lanes. */
  readonly pixel: {
    readonly panel: number;
    readonly ground: number;
    readonly line: number;
    readonly border: number;
  };
  readonly ground: string;
  readonly panel: string;
  readonly raised: string;
  readonly line: string;
  readonly text: string;
  readonly textSoft: string;
  readonly accent: string;
  /** Behind words on what cannot be seen. */
  readonly grayBack: string;
  readonly font: string;
}

/** What needs no one is low and quiet; what must not be missed has the full height. */
const SHARES = {
  running: 0.42,
  idle: 0.64,
  stopped: 1,
  error: 1,
  disconnected: 1,
  unseen: 1,
  deleted: 1,
  not_yet: 1,
  taken_out: 1,
} as const satisfies Record<LaneStatus, number>;

/** Return the palette of `element`'s document at `ratio` device pixels per CSS pixel. */
export function readPalette(element: Element, ratio: number): Palette {
  const style = getComputedStyle(element);
  const token = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  const read = createReader(token('panel'));
  const panel = read(token('panel'));
  const build = (status: LaneStatus): RasterStyle => {
    const share = SHARES[status];
    if (isEmpty(status)) return { fill: panel, thin: panel, edge: null, share, pattern: null };
    if (status === 'unseen' || status === 'deleted') {
      // Deleted time is hatched as well, but so thinly that both are told apart.
      const stepPx = status === 'unseen' ? 9 : 27;
      const pattern = buildStripes(stepPx * ratio, 1.2 * ratio, read(token('strip-hatch')), panel);
      return {
        fill: panel,
        thin: mix(panel, read(token('text-soft')), 0.3),
        edge: null,
        share,
        pattern,
      };
    }
    const color = getEquipmentColor({ status, tags: tagsOf(status) });
    const strip = read(token(`${color}-strip`));
    if (status === 'running') {
      const fill = read(token('green-lane'));
      return { fill, thin: fill, edge: null, share, pattern: null };
    }
    const fill = read(token(`${color}-bg`));
    const edge = read(token(`${color}-signal`));
    if (status === 'disconnected') {
      const pattern = buildStripes(8 * ratio, 3 * ratio, strip, fill);
      return { fill, thin: strip, edge, share, pattern };
    }
    const pattern =
      status === 'error'
        ? buildStripes(10 * ratio, 2.4 * ratio, mix(fill, toPixel(0, 0, 0), 0.34), fill)
        : null;
    return { fill, thin: strip, edge, share, pattern };
  };
  const inkOf = (status: LaneStatus): string =>
    isSeen(status)
      ? token(`${getEquipmentColor({ status, tags: tagsOf(status) })}-ink`)
      : token('text-soft');
  const record = <Value>(of: (status: LaneStatus) => Value) =>
    Object.fromEntries(LANE_STATUSES.map((status) => [status, of(status)])) as Record<
      LaneStatus,
      Value
    >;
  return {
    ratio,
    bars: record(build),
    inks: record(inkOf),
    pixel: {
      panel,
      ground: read(token('ground')),
      line: read(token('line')),
      border: read(token('text-soft')),
    },
    ground: token('ground'),
    panel: token('panel'),
    raised: token('raised'),
    line: token('line'),
    text: token('text'),
    textSoft: token('text-soft'),
    accent: token('accent'),
    grayBack: token('gray-bg'),
    font: style.fontFamily,
  };
}

/** Return what reads any CSS colour, as it looks on `ground`. */
function createReader(ground: string): (color: string) => number {
  const canvas = document.createElement('canvas');
  canvas.width = 1;
  canvas.height = 1;
  const context = canvas.getContext('2d', { willReadFrequently: true });
  return (color) => {
    if (context === null) return 0;
    for (const fill of [ground, color]) {
      context.fillStyle = fill;
      context.fillRect(0, 0, 1, 1);
    }
    const [red = 0, green = 0, blue = 0] = context.getImageData(0, 0, 1, 1).data;
    return toPixel(red, green, blue);
  };
}
