import { describe, expect, it } from 'vitest';
import { describeInterval } from '@/features/timeline/describe';
import { createZone } from '@/lib/time/zone';
import type { Interval } from '@/lib/timeline/model';

const seoul = createZone('Asia/Seoul');
const words = { day: 'd', hour: 'h', minute: 'min', second: 's' };
const nowMs = Date.parse('2026-11-24T03:00:00Z');
const between = (from: string, to: string): Interval => ({
  beginMs: Date.parse(from),
  endMs: Date.parse(to),
  status: 'error',
  reason: 'error_tag',
});

describe('a stretch in words', () => {
  it('names the day once, where it begins', () => {
    const interval = between('2026-11-23T15:00:05Z', '2026-11-23T15:12:05Z');
    expect(describeInterval(interval, seoul, nowMs, words)).toEqual({
      from: '2026-11-24 00:00:05',
      to: '00:12:05',
      duration: '12min',
    });
  });

  it('names both days of what lasted over midnight', () => {
    const interval = between('2026-11-23T14:59:00Z', '2026-11-23T15:12:05Z');
    expect(describeInterval(interval, seoul, nowMs, words).to).toBe('2026-11-24 00:12:05');
  });

  it('has no end for what lasts, and counts on', () => {
    const interval = between('2026-11-24T02:50:00Z', '2026-11-24T02:59:55Z');
    const described = describeInterval(interval, seoul, nowMs, words);
    expect(described).toMatchObject({ to: null, duration: '10min' });
  });

  it('counts tenths of what was short', () => {
    const interval = between('2026-11-23T15:00:05.000Z', '2026-11-23T15:00:06.440Z');
    expect(describeInterval(interval, seoul, nowMs, words).duration).toBe('1.4s');
  });
});
