import { describe, expect, it } from 'vitest';
import { createZone } from '@/lib/time/zone';
import { buildAxis, chooseStepMs } from '@/lib/timeline/ticks';

const HOUR_MS = 3_600_000;
const seoul = createZone('Asia/Seoul');
const berlin = createZone('Europe/Berlin');

function axis(from: string, hours: number, zone = seoul, widthPx = 1_000, language = 'ko') {
  const startMs = Date.parse(from);
  return buildAxis({ startMs, endMs: startMs + hours * HOUR_MS, widthPx }, zone, language, 64);
}

describe('the axis', () => {
  it('counts in steps that people count in', () => {
    expect(chooseStepMs((8 * HOUR_MS) / 1_000, 64)).toBe(HOUR_MS);
    expect(chooseStepMs((24 * HOUR_MS) / 1_000, 64)).toBe(2 * HOUR_MS);
    expect(chooseStepMs((168 * HOUR_MS) / 1_000, 64)).toBe(12 * HOUR_MS);
    expect(chooseStepMs(60_000 / 1_000, 64)).toBe(5_000);
  });

  it('stands on round hours of the plant, not of the screen or of UTC', () => {
    const labels = axis('2026-11-23T15:30:00Z', 8).ticks.map(({ label }) => label);
    expect(labels).toEqual([
      ...['01:00', '02:00', '03:00', '04:00', '05:00', '06:00', '07:00', '08:00'],
    ]);
  });

  it('names each day once, and the one that had begun before', () => {
    const { days } = axis('2026-11-23T10:00:00Z', 24);
    expect(days.map(({ label, isBorder }) => [label, isBorder])).toEqual([
      ['11월 23일 (월)', false],
      ['11월 24일 (화)', true],
    ]);
    expect(days[1]?.atMs).toBe(Date.parse('2026-11-23T15:00:00Z'));
  });

  it('leaves out the hour that spring leaves out, and stays on round hours after', () => {
    const labels = axis('2026-03-28T23:00:00Z', 6, berlin).ticks.map(({ label }) => label);
    expect(labels.filter((label) => label.endsWith(':00'))).toEqual([
      ...['00:00', '01:00', '03:00', '04:00', '05:00', '06:00'],
    ]);
  });

  it('never has a label twice in autumn', () => {
    const { ticks } = axis('2026-10-24T22:00:00Z', 8, berlin);
    expect(new Set(ticks.map(({ label }) => label)).size).toBe(ticks.length);
  });

  it('writes seconds only where they differ', () => {
    const { ticks } = axis('2026-11-23T15:30:00Z', 1 / 60);
    expect(ticks[1]?.label).toBe('00:30:05');
  });
});
