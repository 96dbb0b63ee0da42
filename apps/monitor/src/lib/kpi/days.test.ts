import { describe, expect, it } from 'vitest';
import {
  addDays,
  clockOf,
  dayOf,
  dayWindow,
  endTimeOf,
  isDay,
  localOf,
  parseLocalMs,
  timeOf,
} from '@/lib/kpi/days';

describe('days of the plant', () => {
  it('step over the ends of months, years and changes of the clock', () => {
    expect(addDays('2026-12-31', 1)).toBe('2027-01-01');
    expect(addDays('2028-03-01', -1)).toBe('2028-02-29');
    expect(addDays('2026-03-29', 1)).toBe('2026-03-30');
  });

  it.each(['2026-02-30', '2026-1-1', '', 'today', null])('do not take %s for a day', (text) => {
    expect(isDay(text)).toBe(false);
  });

  it('follow the clock of the plant, wherever the screen stands', () => {
    const ms = Date.parse('2026-11-24T22:30:00Z');
    expect(dayOf(ms, 'Asia/Seoul')).toBe('2026-11-25');
    expect(timeOf(ms, 'Asia/Seoul')).toBe('07:30');
    expect(localOf(ms, 'America/New_York')).toBe('2026-11-24T17:30');
  });
});

describe('when something ended', () => {
  const at = (time: string): number => Date.parse(`2026-11-${time}+09:00`);

  it.each([
    ['27T16:50:00', '27T17:10:05', '17:10', '17:10:05'],
    ['27T16:50:00', '28T00:00:00', '11-28 00:00', '11-28 00:00:00'],
    ['28T13:50:00', '29T22:09:39', '11-29 22:09', '11-29 22:09:39'],
  ])('has its day where it began on another: %s to %s', (begin, end, minute, second) => {
    expect(endTimeOf(at(begin), at(end), 'Asia/Seoul')).toBe(minute);
    expect(endTimeOf(at(begin), at(end), 'Asia/Seoul', clockOf)).toBe(second);
  });

  it('goes by the days of the plant, wherever the screen stands', () => {
    const [begin, end] = [at('28T08:30:00'), at('28T09:30:00')]; // midnight in UTC is between
    expect(endTimeOf(begin, end, 'Asia/Seoul')).toBe('09:30');
    expect(endTimeOf(begin, end, 'UTC')).toBe('11-28 00:30');
  });
});

describe('dayWindow', () => {
  it.each([
    ['Asia/Seoul', '2026-11-24T15:00:00.000Z', '2026-11-25T15:00:00.000Z'],
    ['America/New_York', '2026-11-24T05:00:00.000Z', '2026-11-25T05:00:00.000Z'],
  ])('is the day of the plant in %s', (zone, from, to) => {
    expect(dayWindow(Date.parse('2026-11-24T22:30:00Z'), zone)).toEqual({ from, to });
  });

  it('has 25 hours where the clock is put back', () => {
    const { from, to } = dayWindow(Date.parse('2026-10-25T12:00:00Z'), 'Europe/Berlin');
    expect(Date.parse(to) - Date.parse(from)).toBe(25 * 3_600_000);
  });
});

describe('parseLocalMs', () => {
  it.each(['Asia/Seoul', 'Europe/Berlin', 'America/St_Johns', 'UTC'])(
    'undoes localOf in %s',
    (zone) => {
      for (let hour = 0; hour < 24 * 365; hour += 7) {
        const ms = Date.UTC(2026, 0, 1) + hour * 3_600_000;
        const back = parseLocalMs(localOf(ms, zone), zone) ?? 0;
        // The hour that a clock shows twice is one of two.
        expect([0, 3_600_000]).toContain(Math.abs(back - ms));
        expect(localOf(back, zone)).toBe(localOf(ms, zone));
      }
    },
  );

  it('takes seconds', () => {
    const ms = parseLocalMs('2026-11-25T10:00:05', 'Asia/Seoul');
    expect(ms).toBe(Date.parse('2026-11-25T01:00:05Z'));
  });

  it('is null where there is no time', () => {
    expect(parseLocalMs('', 'UTC')).toBeNull();
  });
});
