import { describe, expect, it, vi } from 'vitest';
import { clipIntervals } from '@/lib/timeline/intervals';
import type { Interval } from '@/lib/timeline/model';
import { EXACT, LEVELS } from '@/lib/timeline/tiles';
import { type Fetched, type Question, TimelineStore } from '@/lib/timeline/timelineStore';

const HOUR_MS = 3_600_000;
const nowMs = 100 * HOUR_MS;

/** A machine that changes at every full hour; what it answers is what was asked for. */
function answer({ fromMs, toMs }: Question): Fetched {
  const intervals: Interval[] = [];
  for (let at = fromMs; at < Math.min(toMs, nowMs); at += HOUR_MS) {
    const status = (at / HOUR_MS) % 2 === 0 ? 'running' : 'idle';
    intervals.push({ beginMs: at, endMs: Math.min(at + HOUR_MS, nowMs), status, reason: null });
  }
  return {
    answer: {
      fromMs,
      toMs,
      nowMs,
      lanes: [{ code: 'A', name: 'Welder', plcId: null, intervals }],
      shifts: [],
      breaks: [],
      alarms: [],
      knownFromMs: 0,
      knownUntilMs: nowMs,
      timeZone: 'Asia/Seoul',
    },
    etag: '"1"',
  };
}

function buildStore(reply: (question: Question) => Fetched = answer) {
  const questions: Question[] = [];
  const store = new TimelineStore((question) => {
    questions.push(question);
    return Promise.resolve(reply(question));
  });
  store.start();
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 10; i += 1) await Promise.resolve();
  };
  return { store, questions, settle };
}

describe('the loaded past', () => {
  it('asks once for neighbours, and not again for what it has', async () => {
    const { store, questions, settle } = buildStore();
    store.want(EXACT, 10 * HOUR_MS, 20 * HOUR_MS, nowMs);
    store.want(EXACT, 10 * HOUR_MS, 20 * HOUR_MS, nowMs);
    expect(questions).toHaveLength(1);
    await settle();
    store.want(EXACT, 9 * HOUR_MS, 19 * HOUR_MS, nowMs);
    expect(questions).toHaveLength(1);
    expect(questions[0]).toMatchObject({ fromMs: 8 * HOUR_MS, toMs: 20 * HOUR_MS });
  });

  it('is the same whole, in whatever pieces it came', async () => {
    const { store, settle } = buildStore();
    store.want(EXACT, 12 * HOUR_MS, 16 * HOUR_MS, nowMs);
    await settle();
    store.want(EXACT, 4 * HOUR_MS, 24 * HOUR_MS, nowMs);
    await settle();
    const found = store.getIntervals(EXACT, 'A', 5.5 * HOUR_MS, 22.5 * HOUR_MS);
    expect(found[0]).toMatchObject({ beginMs: 5.5 * HOUR_MS, endMs: 6 * HOUR_MS });
    found.slice(1).forEach(({ beginMs }, i) => expect(beginMs).toBe(found[i]?.endMs));
    expect(found).toHaveLength(18);
  });

  it('asks again for a tile that is over as long as not all of it is stored', async () => {
    let knownUntilMs = 3.9 * HOUR_MS;
    const { store, questions, settle } = buildStore((question) => {
      const fetched = answer(question);
      if (fetched.answer === null) return fetched;
      const lanes = fetched.answer.lanes.map((lane) => ({
        ...lane,
        intervals: clipIntervals(lane.intervals, 0, knownUntilMs),
      }));
      return { ...fetched, answer: { ...fetched.answer, lanes, knownUntilMs } };
    });
    vi.useFakeTimers({ toFake: ['performance'] });
    try {
      store.want(EXACT, 0, 4 * HOUR_MS, nowMs);
      await settle();
      expect(store.getIntervals(EXACT, 'A', 0, 4 * HOUR_MS).at(-1)?.endMs).toBe(knownUntilMs);
      knownUntilMs = nowMs;
      vi.advanceTimersByTime(60_000);
      store.want(EXACT, 0, 4 * HOUR_MS, nowMs);
      await settle();
      expect(store.getIntervals(EXACT, 'A', 0, 4 * HOUR_MS).at(-1)?.endMs).toBe(4 * HOUR_MS);
      vi.advanceTimersByTime(60_000);
      store.want(EXACT, 0, 4 * HOUR_MS, nowMs);
      expect(questions).toHaveLength(2);
    } finally {
      vi.useRealTimers();
    }
  });

  it('asks nothing of the future', () => {
    const { store, questions } = buildStore();
    store.want(EXACT, nowMs + HOUR_MS, nowMs + 9 * HOUR_MS, nowMs);
    expect(questions.every(({ fromMs }) => fromMs <= nowMs)).toBe(true);
  });

  it('shows another resolution until the right one has come', async () => {
    const [, coarse = EXACT] = LEVELS;
    const { store, settle } = buildStore();
    store.want(coarse, 0, 12 * HOUR_MS, nowMs);
    await settle();
    expect(store.isLoaded(EXACT, 0, 4 * HOUR_MS)).toBe(false);
    expect(store.getIntervals(EXACT, 'A', 0, 12 * HOUR_MS)).toHaveLength(12);
  });

  it('says that it has failed, keeps what it has, and does not ask in a storm', async () => {
    let isBroken = false;
    const { store, questions, settle } = buildStore((question) => {
      if (isBroken) throw new Error('gone');
      return answer(question);
    });
    store.want(EXACT, 0, 4 * HOUR_MS, nowMs);
    await settle();
    isBroken = true;
    store.want(EXACT, 0, 8 * HOUR_MS, nowMs);
    await settle();
    store.want(EXACT, 0, 8 * HOUR_MS, nowMs);
    expect(questions).toHaveLength(2);
    expect(store.getState()).toMatchObject({ hasFailed: true, isLoading: false });
    expect(store.getIntervals(EXACT, 'A', 0, 8 * HOUR_MS)).toHaveLength(4);
  });

  it('changes nothing after it was stopped', async () => {
    const { store, settle } = buildStore();
    store.want(EXACT, 0, 4 * HOUR_MS, nowMs);
    store.stop();
    await settle();
    expect(store.getState().version).toBe(0);
  });
});
