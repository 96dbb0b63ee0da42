import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { endAfter, locate } from '@/lib/rest/server';

describe('locate', () => {
  it.each([
    ['/api/lines', 'http://plant:8000/', 'http://plant:8000/api/lines'],
    ['/api/lines?line=a', 'https://portal/line/', 'https://portal/line/api/lines?line=a'],
    ['/ws/monitor/weld%201', 'http://plant/a/b/', 'http://plant/a/b/ws/monitor/weld%201'],
  ])('finds %s below %s', (path, base, found) => {
    expect(locate(path, base).href).toBe(found);
  });
});

describe('endAfter', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('ends with the signal, and for its reason', () => {
    const asked = new AbortController();
    const signal = endAfter(asked.signal, 1_000);
    expect(signal.aborted).toBe(false);
    asked.abort('closed');
    expect([signal.aborted, signal.reason]).toEqual([true, 'closed']);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('has ended where the signal had', () => {
    expect(endAfter(AbortSignal.abort('closed'), 1_000).reason).toBe('closed');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('ends when its time is over, and lets go of the signal', () => {
    const asked = new AbortController();
    const letGo = vi.spyOn(asked.signal, 'removeEventListener');
    const signal = endAfter(asked.signal, 1_000);
    vi.advanceTimersByTime(999);
    expect(signal.aborted).toBe(false);
    vi.advanceTimersByTime(1);
    expect(signal.reason).toMatchObject({ name: 'TimeoutError' });
    expect(letGo).toHaveBeenCalled();
  });
});
