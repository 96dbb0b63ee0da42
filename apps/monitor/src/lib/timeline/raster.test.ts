import { describe, expect, it } from 'vitest';
import { LANE_STATUSES } from '@/lib/timeline/model';
import {
  BarRaster,
  buildStripes,
  getRows,
  mix,
  type RasterStyles,
  type Run,
  toPixel,
} from '@/lib/timeline/raster';

const GROUND = toPixel(1, 1, 1);
const colors = Object.fromEntries(
  LANE_STATUSES.map((status, i) => [status, toPixel(10 * i + 10, 0, 0)]),
);
const styles = Object.fromEntries(
  LANE_STATUSES.map((status) => [
    status,
    {
      fill: colors[status] ?? 0,
      thin: mix(colors[status] ?? 0, toPixel(255, 255, 255), 0.5),
      edge: status === 'stopped' ? toPixel(0, 0, 9) : null,
      share: status === 'running' ? 0.5 : 1,
      pattern: status === 'error' ? Uint32Array.of(7, 8) : null,
    },
  ]),
) as unknown as RasterStyles;

function draw(runs: readonly Run[], height = 20, width = 40) {
  const pixels = new Uint32Array(width * 30).fill(GROUND);
  const bars = new BarRaster({ pixels, width, height: 30 }, styles, pixels.slice(0, width));
  bars.draw(runs, { top: 4, height, ratio: 1, phase: 0 });
  return (x: number, y: number): number => pixels[(y + 4) * width + x] ?? 0;
}

describe('a lane as pixels', () => {
  it('is as high as its status is urgent, around the middle', () => {
    const at = draw([{ x0: 0, x1: 20, status: 'running' }]);
    expect(at(5, 4)).toBe(GROUND);
    expect(at(5, 5)).toBe(colors.running);
    expect(at(5, 14)).toBe(colors.running);
    expect(at(5, 15)).toBe(GROUND);
  });

  it('leaves the ground where nothing is known, above and below', () => {
    const at = draw([{ x0: 10, x1: 20, status: 'idle' }]);
    expect([at(9, 10), at(10, 10), at(19, 10), at(20, 10)]).toEqual([
      GROUND,
      colors.idle,
      colors.idle,
      GROUND,
    ]);
    expect([at(15, -1), at(15, 20)]).toEqual([GROUND, GROUND]);
  });

  it('has a foot of its own where the colour alone would be too pale', () => {
    const at = draw([{ x0: 0, x1: 20, status: 'stopped' }]);
    expect(at(5, 17)).toBe(colors.stopped);
    expect(at(5, 18)).toBe(toPixel(0, 0, 9));
  });

  it('has its pattern where there is room, and one bright colour where there is none', () => {
    const wide = draw([{ x0: 0, x1: 20, status: 'error' }]);
    expect([wide(4, 0), wide(5, 0), wide(4, 1)]).toEqual([7, 8, 8]);
    const narrow = draw([{ x0: 0, x1: 3, status: 'error' }]);
    expect(narrow(1, 3)).toBe(styles.error.thin);
    const low = draw([{ x0: 0, x1: 20, status: 'error' }], 3);
    expect(low(4, 1)).toBe(styles.error.thin);
  });

  it('stays inside the picture where a lane is cut by its edge', () => {
    const pixels = new Uint32Array(10 * 4).fill(GROUND);
    const bars = new BarRaster({ pixels, width: 10, height: 4 }, styles, pixels.slice(0, 10));
    const run: Run = { x0: 0, x1: 10, status: 'error' };
    bars.draw([run], { top: -3, height: 5, ratio: 1, phase: 0 });
    bars.draw([run], { top: 3, height: 5, ratio: 1, phase: 0 });
    expect([...pixels.slice(20, 30)]).toEqual(Array.from({ length: 10 }, () => GROUND));
  });

  it('never has a row less than one', () => {
    expect(getRows(2, 0.1)).toEqual([0, 1]);
    expect(getRows(20, 1)).toEqual([0, 20]);
  });
});

describe('colours', () => {
  it('are mixed channel by channel', () => {
    expect(mix(toPixel(0, 100, 200), toPixel(100, 0, 200), 0.5)).toBe(toPixel(50, 50, 200));
  });

  it('make stripes with soft edges', () => {
    const stripes = buildStripes(8, 3, toPixel(255, 0, 0), toPixel(0, 0, 0));
    expect(stripes).toHaveLength(8);
    expect(stripes[0]).toBe(toPixel(0, 0, 0));
    expect(new Set(stripes).size).toBeGreaterThan(2);
  });
});
