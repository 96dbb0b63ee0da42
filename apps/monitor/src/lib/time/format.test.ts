import { describe, expect, it } from 'vitest';
import { en } from '@/lib/i18n/en';
import { ko } from '@/lib/i18n/ko';
import { formatAge, formatCounter, formatDuration, parseTimeMs } from '@/lib/time/format';

describe('formatCounter', () => {
  it.each([
    [-3, '0:00'],
    [0, '0:00'],
    [48.9, '0:48'],
    [724, '12:04'],
    [6_130, '1:42:10'],
    [86_399, '23:59:59'],
    [97_200, '1일 3시간'],
  ])('writes %d s as %s', (seconds, text) => {
    expect(formatCounter(seconds, ko.duration)).toBe(text);
  });
});

describe('formatDuration', () => {
  it.each([
    [0, '0초', '0\u00a0s'],
    [48, '48초', '48\u00a0s'],
    [252, '4분 12초', '4\u00a0min 12\u00a0s'],
    [300, '5분', '5\u00a0min'],
    [6_130, '1시간 42분', '1\u00a0h 42\u00a0min'],
    [86_405, '1일', '1\u00a0d'],
  ])('writes %d s as %s and %s', (seconds, korean, english) => {
    expect(formatDuration(seconds, ko.duration)).toBe(korean);
    expect(formatDuration(seconds, en.duration)).toBe(english);
  });
});

describe('formatAge', () => {
  it.each([
    [42.4, '42 ms'],
    [4_230, '4.2 s'],
    [22_400, '22 s'],
    [600_000, '10 min'],
    [14_400_000, '4 h'],
  ])('writes %d ms as %s', (ms, text) => {
    expect(formatAge(ms)).toBe(text);
  });
});

describe('parseTimeMs', () => {
  it('has no time for what is none', () => {
    expect(parseTimeMs(null)).toBeNull();
    expect(parseTimeMs('soon')).toBeNull();
    expect(parseTimeMs('1970-01-01T00:00:01.000Z')).toBe(1_000);
  });
});
