import { describe, expect, it } from 'vitest';
import {
  createZone,
  findMidnightMs,
  formatZoneDay,
  formatZoneMinute,
  formatZoneMoment,
  formatZoneNear,
  formatZoneNearSecond,
  isOnScreensClock,
  toLocalMs,
  toUtcMs,
} from '@/lib/time/zone';

const HOUR_MS = 3_600_000;
const seoul = createZone('Asia/Seoul');
const berlin = createZone('Europe/Berlin');

describe('a zone', () => {
  it('shows the plant its own clock, whatever the screen has', () => {
    const at = Date.parse('2026-11-23T18:12:05Z');
    expect(formatZoneMoment(seoul, at)).toBe('2026-11-24 03:12:05');
    expect(formatZoneMinute(berlin, at)).toBe('19:12');
  });

  it('writes days in the language of the page', () => {
    const at = Date.parse('2026-11-23T18:12:05Z');
    expect(formatZoneDay(seoul, at, 'ko')).toBe('11월 24일 (화)');
    expect(formatZoneDay(seoul, at, 'en')).toBe('Tue 24 Nov');
  });

  it('follows the change of the clock to the second', () => {
    const change = Date.parse('2026-03-29T01:00:00Z');
    expect(berlin.offsetMs(change - 1)).toBe(HOUR_MS);
    expect(berlin.offsetMs(change)).toBe(2 * HOUR_MS);
  });

  it('goes to its clock and back', () => {
    for (let hour = 0; hour < 24 * 365; hour += 1) {
      const at = Date.parse('2026-01-01T00:30:00Z') + hour * HOUR_MS;
      const back = toUtcMs(berlin, toLocalMs(berlin, at));
      // One hour in autumn is on the clock twice.
      expect([at, at - HOUR_MS]).toContain(back);
      expect(toUtcMs(seoul, toLocalMs(seoul, at))).toBe(at);
    }
  });

  it('has the day where it is not that of now', () => {
    const at = Date.parse('2026-11-25T14:50:00Z');
    expect(formatZoneNear(seoul, at, at + 9 * 60_000)).toBe('23:50');
    expect(formatZoneNear(seoul, at, at + 11 * 60_000)).toBe('11-25 23:50');
    expect(formatZoneNear(berlin, at, at + 11 * 60_000)).toBe('15:50');
    expect(formatZoneNearSecond(seoul, at + 5_000, at + 9 * 60_000)).toBe('23:50:05');
    expect(formatZoneNearSecond(seoul, at + 5_000, at + 11 * 60_000)).toBe('11-25 23:50:05');
  });

  it('begins its day at its own midnight, also on the day that its clock changes', () => {
    const at = Date.parse('2026-03-29T12:00:00Z');
    expect(findMidnightMs(seoul, at)).toBe(Date.parse('2026-03-28T15:00:00Z'));
    expect(findMidnightMs(berlin, at)).toBe(Date.parse('2026-03-28T23:00:00Z'));
  });

  it('is on the clock of the screen where both show the same, whatever their names', () => {
    const at = Date.parse('2026-03-29T12:00:00Z');
    const away = new Date(at).getTimezoneOffset() === -330 ? 'Asia/Seoul' : 'Asia/Kolkata';
    expect(isOnScreensClock(createZone(null), at)).toBe(true);
    expect(isOnScreensClock(createZone(away), at)).toBe(false);
  });

  it('falls back to the clock of the screen', () => {
    expect(createZone(null).name).toBeNull();
    expect(createZone('Mars/Olympus').name).toBeNull();
  });
});
