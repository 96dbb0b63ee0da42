import { describe, expect, it } from 'vitest';
import { writeChange } from './tomlChange';

describe('writeChange', () => {
  it('names the tables that change and nothing else', () => {
    const shifts = [{ id: 'day', hours: { start: '07:30', end: '17:00' } }];
    expect(writeChange('weld1', 10, shifts)).toBe(
      '[[line]]\nid = "weld1"\nstop_after = "10m"\n\n' +
        '[[shift]]\nid = "day"\nstart = "07:30"\nend = "17:00"',
    );
    expect(writeChange('weld1', null, [])).toBe('');
  });

  it('names the breaks that remain where others would lie outside of the hours', () => {
    const hours = { start: '11:00', end: '10:05' };
    expect(writeChange('weld1', null, [{ id: 'day', hours, breaks: ['10:00-10:05'] }])).toBe(
      '[[shift]]\nid = "day"\nstart = "11:00"\nend = "10:05"\nbreaks = ["10:00-10:05"]',
    );
    expect(writeChange('weld1', null, [{ id: 'day', hours, breaks: [] }])).toContain(
      '\nbreaks = []',
    );
  });

  it('keeps parts of a minute as seconds', () => {
    expect(writeChange('a"b', 1.5, [])).toBe('[[line]]\nid = "a\\"b"\nstop_after = "90s"');
  });
});
