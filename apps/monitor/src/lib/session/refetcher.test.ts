import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Refetcher } from '@/lib/session/refetcher';
import { readClocks } from '@/lib/time/instant';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function build(ask: (signal: AbortSignal) => Promise<void>, mayAskAgain = true) {
  const asked = vi.fn(ask);
  const hasNews = vi.fn<(signal: AbortSignal) => Promise<boolean>>(() => Promise.resolve(false));
  const options = { ask: asked, hasNews, mayAskAgain: () => mayAskAgain };
  return { asked, hasNews, refetcher: new Refetcher(options) };
}

/** Let time pass as a page does, which looks at the clocks four times a second. */
async function lookFor(refetcher: Refetcher, seconds: number): Promise<void> {
  for (let quarter = 0; quarter < seconds * 4; quarter += 1) {
    await vi.advanceTimersByTimeAsync(250);
    refetcher.look(readClocks());
  }
  await vi.advanceTimersByTimeAsync(0);
}

describe('Refetcher', () => {
  it('asks once for many reasons, within a second', async () => {
    const { asked, refetcher } = build(() => Promise.resolve());
    refetcher.start();
    await vi.advanceTimersByTimeAsync(0);
    refetcher.soon();
    refetcher.soon();
    await vi.advanceTimersByTimeAsync(900);
    expect(asked).toHaveBeenCalledTimes(2);
  });

  it('asks again after a failure, more and more patiently, and only while it may', async () => {
    const { asked, refetcher } = build(() => Promise.reject(new Error('no')));
    refetcher.start();
    await vi.advanceTimersByTimeAsync(100_000);
    expect(asked.mock.calls.length).toBeGreaterThan(6);
    expect(asked.mock.calls.length).toBeLessThan(60);
    const silent = build(() => Promise.reject(new Error('no')), false);
    silent.refetcher.start();
    await vi.advanceTimersByTimeAsync(100_000);
    expect(silent.asked).toHaveBeenCalledTimes(1);
  });

  it('does not let a question that hangs hold up the one on waking', async () => {
    const { asked, refetcher } = build(() => new Promise(() => undefined));
    refetcher.start();
    refetcher.now();
    expect(asked.mock.calls.map(([signal]) => signal.aborted)).toEqual([true, false]);
  });

  it('asks after a quiet minute by itself', async () => {
    const { asked, refetcher } = build(() => Promise.resolve());
    refetcher.start();
    await vi.advanceTimersByTimeAsync(61_000);
    refetcher.look(readClocks());
    await vi.advanceTimersByTimeAsync(900);
    expect(asked).toHaveBeenCalledTimes(2);
  });

  it('hears within seconds of news that no tick tells, and asks once for it', async () => {
    const { asked, hasNews, refetcher } = build(() => Promise.resolve());
    refetcher.start();
    await lookFor(refetcher, 11);
    expect(asked).toHaveBeenCalledTimes(1);
    expect(hasNews.mock.calls.length).toBeGreaterThanOrEqual(2);
    expect(hasNews.mock.calls.length).toBeLessThanOrEqual(4);
    hasNews.mockResolvedValueOnce(true);
    await lookFor(refetcher, 6);
    expect(asked).toHaveBeenCalledTimes(2);
  });

  it('lets a question for news that fails or hangs stop nothing', async () => {
    const { asked, hasNews, refetcher } = build(() => Promise.resolve());
    hasNews.mockRejectedValueOnce(new Error('no'));
    hasNews.mockResolvedValueOnce(true);
    hasNews.mockImplementationOnce(() => new Promise(() => undefined));
    refetcher.start();
    await lookFor(refetcher, 61);
    expect(asked).toHaveBeenCalledTimes(2);
    await lookFor(refetcher, 12);
    expect(asked).toHaveBeenCalledTimes(3);
    refetcher.stop();
    expect(hasNews.mock.calls.at(-1)?.[0].aborted).toBe(true);
  });

  it('asks nothing and leaves no timer after stop', async () => {
    const { asked, refetcher } = build(() => Promise.reject(new Error('no')));
    refetcher.start();
    refetcher.soon();
    refetcher.stop();
    refetcher.now();
    refetcher.soon();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(asked).toHaveBeenCalledTimes(1);
    expect(asked.mock.calls[0]?.[0].aborted).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });
});
