import { describe, expect, it } from 'vitest';
import { parseTimeline, TimelineFormatError } from '@/lib/timeline/model';

const answer = {
  from_ms: 0,
  to_ms: 100,
  now_ms: 90,
  resolution_ms: 0,
  equipment: [
    {
      code: 'A',
      name: 'Welder',
      plc_id: 'PLC01',
      intervals: [
        [0, 50, 'running', 'running'],
        [50, 80, 'unseen', null],
      ],
    },
  ],
  shifts: [[0, 60, '주간']],
  breaks: [[20, 30]],
  alarms: [['A', 10, 'high', '모터 과부하', 'Motor overload']],
  history: { known_from_ms: 5, known_until_ms: 80 },
};

describe('parsing a timeline', () => {
  it('reads what the server sends', () => {
    const parsed = parseTimeline(answer);
    expect(parsed.lanes[0]?.intervals[1]).toEqual({
      beginMs: 50,
      endMs: 80,
      status: 'unseen',
      reason: null,
    });
    expect(parsed.shifts).toEqual([{ beginMs: 0, endMs: 60, name: '주간' }]);
    expect(parsed.alarms).toEqual([
      { code: 'A', atMs: 10, severity: 'high', textKo: '모터 과부하', textEn: 'Motor overload' },
    ]);
    expect(parsed).toMatchObject({ nowMs: 90, knownFromMs: 5, knownUntilMs: 80, timeZone: null });
  });

  it('does without what a line does not have', () => {
    const { from_ms, to_ms, now_ms, equipment } = answer;
    const parsed = parseTimeline({ from_ms, to_ms, now_ms, equipment });
    expect(parsed).toMatchObject({ shifts: [], breaks: [], alarms: [], knownFromMs: null });
  });

  it('names time in which a machine was not configured for what it is, never unseen', () => {
    const [lane] = parseTimeline({
      ...answer,
      now_ms: 100_000,
      equipment: [
        {
          code: 'A',
          name: 'x',
          configured: [
            [10, 40],
            [60, null],
          ],
          intervals: [
            [0, 20, 'unseen', null],
            [20, 30, 'running', 'running'],
            [30, 90, 'unseen', null],
          ],
        },
      ],
    }).lanes;
    const said = lane?.intervals.map(({ beginMs, endMs, status }) => [beginMs, endMs, status]);
    expect(said).toEqual([
      [0, 10, 'not_yet'],
      [10, 20, 'unseen'],
      [20, 30, 'running'],
      [30, 40, 'unseen'],
      [40, 60, 'taken_out'],
      [60, 90, 'unseen'],
    ]);
  });

  it('names time that is not kept any more as deleted, but not before the machine was there', () => {
    const [lane] = parseTimeline({
      ...answer,
      now_ms: 100_000,
      equipment: [
        {
          code: 'A',
          name: 'x',
          kept_from_ms: 60,
          configured: [[10, null]],
          intervals: [
            [0, 70, 'unseen', null],
            [70, 80, 'running', 'running'],
            [80, 90, 'unseen', null],
          ],
        },
      ],
    }).lanes;
    const said = lane?.intervals.map(({ beginMs, endMs, status }) => [beginMs, endMs, status]);
    expect(said).toEqual([
      [0, 10, 'not_yet'],
      [10, 60, 'deleted'],
      [60, 70, 'unseen'],
      [70, 80, 'running'],
      [80, 90, 'unseen'],
    ]);
  });

  it('does not take for unseen what the recorder has not told of yet', () => {
    const at = (beginMs: number, endMs: number) => [
      [0, beginMs, 'running', 'running'],
      [beginMs, endMs, 'unseen', null],
    ];
    const count = (intervals: unknown): number | undefined =>
      parseTimeline({
        ...answer,
        now_ms: 100_000,
        equipment: [{ code: 'A', name: 'x', intervals }],
      }).lanes[0]?.intervals.length;
    expect(count(at(96_000, 100_000))).toBe(1);
    expect(count(at(60_000, 100_000))).toBe(2);
    expect(count(at(60_000, 64_000))).toBe(2);
  });

  it('refuses anything else', () => {
    const strange = [
      null,
      [],
      'timeline',
      { ...answer, now_ms: 'now' },
      { ...answer, equipment: {} },
      { ...answer, equipment: [{ code: 'A', name: 'x', intervals: [[0, 1, 'dancing', null]] }] },
    ];
    for (const value of strange) expect(() => parseTimeline(value)).toThrow(TimelineFormatError);
  });
});
