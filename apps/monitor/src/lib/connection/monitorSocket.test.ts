import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Connection } from '@/lib/connection/connection';
import { MonitorSocket } from '@/lib/connection/monitorSocket';
import { readClocks } from '@/lib/time/instant';

/** Stands for the browser's socket; what the network does is said by the tests. */
class BrowserSocket {
  static opened: BrowserSocket[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;
  onerror: (() => void) | null = null;
  isClosed = false;

  constructor(readonly url: string) {
    BrowserSocket.opened.push(this);
  }

  close(): void {
    this.isClosed = true;
  }

  say(message: object): void {
    this.onmessage?.({ data: JSON.stringify({ timestamp: '2025-11-03T10:30:45Z', ...message }) });
  }
}

const tick = { type: 'equipment_status', equipment: [] };
const newest = (): BrowserSocket => {
  const socket = BrowserSocket.opened.at(-1);
  if (socket === undefined) throw new Error('no socket was opened');
  return socket;
};

function build(
  askHealth: (signal: AbortSignal) => Promise<boolean> = () => Promise.resolve(false),
  isLate: () => boolean = () => false,
) {
  const seen: Connection[] = [];
  const onTick = vi.fn();
  const onMalformed = vi.fn();
  const socket = new MonitorSocket({
    url: 'ws://line/ws/monitor',
    askHealth,
    onConnection: (connection) => seen.push(connection),
    isLate,
    onTick,
    onMalformed,
  });
  const now = (): Connection => seen.at(-1) as Connection;
  return { socket, now, onTick, onMalformed };
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('WebSocket', BrowserSocket);
  vi.stubGlobal('document', { visibilityState: 'visible' });
  BrowserSocket.opened = [];
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe('MonitorSocket', () => {
  it('tries five times, three seconds apart, and then says that it failed', async () => {
    const { socket, now } = build();
    socket.start();
    newest().onopen?.();
    newest().say(tick);
    newest().onclose?.();
    for (let attempt = 1; attempt <= 5; attempt += 1) {
      expect(now()).toMatchObject({ phase: 'reconnecting', attempt, socket: 'none' });
      await vi.advanceTimersByTimeAsync(2_999);
      expect(BrowserSocket.opened).toHaveLength(attempt);
      await vi.advanceTimersByTimeAsync(1);
      expect(BrowserSocket.opened).toHaveLength(attempt + 1);
      newest().onclose?.();
    }
    expect(now().phase).toBe('failed');
  });

  it('gives up an attempt that hangs, without stretching the fifteen seconds', async () => {
    const { socket, now } = build();
    socket.start();
    newest().onopen?.();
    newest().onclose?.();
    await vi.advanceTimersByTimeAsync(3_000 + 5 * 3_000 + 10);
    expect(now().phase).toBe('failed');
    expect(BrowserSocket.opened.every((opened) => opened.isClosed)).toBe(true);
  });

  it('asks for health every fifteen seconds while failed, and starts over on an answer', async () => {
    const askHealth = vi.fn<() => Promise<boolean>>().mockResolvedValue(false);
    const { socket, now } = build(askHealth);
    socket.start();
    // The first attempt hangs for 3 s; its five followers start 3 s apart and hang as long. A timer
    // without delay still takes a millisecond, hence the ten more.
    await vi.advanceTimersByTimeAsync(21_010);
    expect(now().phase).toBe('failed');
    expect(askHealth).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(15_000);
    expect(askHealth).toHaveBeenCalledOnce();
    expect(now().phase).toBe('failed');
    askHealth.mockResolvedValue(true);
    await vi.advanceTimersByTimeAsync(15_000);
    expect(now()).toMatchObject({ phase: 'connecting', attempt: 0 });
  });

  it('treats a disconnected message like a lost connection', () => {
    const { socket, now } = build();
    socket.start();
    newest().onopen?.();
    const first = newest();
    first.say({ type: 'connection_status', status: 'disconnected', message: 'restarting' });
    expect(now()).toMatchObject({ phase: 'reconnecting', attempt: 1 });
    expect(first.isClosed).toBe(true);
    expect(first.onclose).toBeNull();
  });

  it('shows what an error message says and stays connected', () => {
    const { socket, now } = build();
    socket.start();
    newest().onopen?.();
    newest().say({ type: 'connection_status', status: 'error', message: 'unknown type' });
    expect(now()).toMatchObject({ phase: 'live', notice: 'unknown type' });
  });

  it('counts malformed messages and goes on', () => {
    const { socket, now, onTick, onMalformed } = build();
    socket.start();
    newest().onopen?.();
    newest().onmessage?.({ data: '{"type":' });
    newest().say(tick);
    expect(onMalformed).toHaveBeenCalledOnce();
    expect(onTick).toHaveBeenCalledOnce();
    expect(now().phase).toBe('live');
  });

  it('takes ticks that come too late for silence, and gives such a socket up', async () => {
    let isLate = false;
    const { socket, now, onTick } = build(undefined, () => isLate);
    socket.start();
    newest().onopen?.();
    newest().say(tick);
    isLate = true;
    for (let second = 0; second < 4; second += 1) {
      await vi.advanceTimersByTimeAsync(1_000);
      newest().say(tick);
      socket.checkSilence(readClocks());
    }
    expect(onTick).toHaveBeenCalledOnce();
    expect(now().phase).toBe('stale');
    await vi.advanceTimersByTimeAsync(7_000);
    newest().say(tick);
    expect(now().phase).toBe('reconnecting');
  });

  it('turns stale in silence, then takes the socket for half-open', async () => {
    const { socket, now } = build();
    socket.start();
    newest().onopen?.();
    newest().say(tick);
    await vi.advanceTimersByTimeAsync(3_500);
    socket.checkSilence(readClocks());
    expect(now().phase).toBe('stale');
    await vi.advanceTimersByTimeAsync(7_000);
    socket.checkSilence(readClocks());
    expect(now()).toMatchObject({ phase: 'reconnecting', attempt: 1 });
  });

  it('does not wait for a dead socket after a sleep', async () => {
    const { socket, now } = build();
    socket.start();
    newest().onopen?.();
    newest().say(tick);
    vi.setSystemTime(Date.now() + 8 * 3_600_000);
    socket.wake();
    expect(now().phase).toBe('connecting');
    expect(BrowserSocket.opened).toHaveLength(2);
    newest().onopen?.();
    newest().say(tick);
    expect(now().phase).toBe('live');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(BrowserSocket.opened).toHaveLength(2);
  });

  it('does not take a tick that waited through the sleep for news', () => {
    const { socket, now, onTick } = build();
    socket.start();
    newest().onopen?.();
    newest().say(tick);
    vi.setSystemTime(Date.now() + 3 * 3_600_000);
    newest().say(tick);
    expect(now().phase).toBe('reconnecting');
    expect(onTick).toHaveBeenCalledTimes(1);
  });

  it('takes no tick after a sleep of seconds for news either, and asks anew at once', () => {
    const { socket, now, onTick } = build();
    socket.start();
    newest().onopen?.();
    newest().say(tick);
    // Nobody looked at the clock meanwhile: the page slept, not the server.
    vi.setSystemTime(Date.now() + 6_000);
    newest().say(tick);
    expect(now().phase).toBe('connecting');
    expect(BrowserSocket.opened).toHaveLength(2);
    expect(onTick).toHaveBeenCalledTimes(1);
  });

  it('takes no gap for a sleep while the page is hidden, where it looks but seldom', () => {
    vi.stubGlobal('document', { visibilityState: 'hidden' });
    const { socket, now } = build();
    socket.start();
    newest().onopen?.();
    newest().say(tick);
    vi.setSystemTime(Date.now() + 6_000);
    newest().say(tick);
    expect(now().phase).toBe('live');
    expect(BrowserSocket.opened).toHaveLength(1);
  });

  it('keeps a socket that was silent while the page was awake, when it speaks again', async () => {
    const { socket, now, onTick } = build();
    socket.start();
    newest().onopen?.();
    newest().say(tick);
    await vi.advanceTimersByTimeAsync(4_000);
    socket.checkSilence(readClocks());
    newest().say(tick);
    expect(now().phase).toBe('live');
    expect(BrowserSocket.opened).toHaveLength(1);
    expect(onTick).toHaveBeenCalledTimes(2);
  });

  it('takes a silence that ended just before it looked for the server’s, not for a sleep', () => {
    const { socket, now, onTick } = build();
    socket.start();
    newest().onopen?.();
    newest().say(tick);
    for (let looks = 0; looks < 11; looks += 1) {
      vi.setSystemTime(Date.now() + 270);
      socket.checkSilence(readClocks());
    }
    expect(now().phase).toBe('live');
    vi.setSystemTime(Date.now() + 200);
    newest().say(tick);
    expect(now().phase).toBe('live');
    expect(BrowserSocket.opened).toHaveLength(1);
    expect(onTick).toHaveBeenCalledTimes(2);
  });

  it('says on waking whether there was a doubt, and opens one socket for many reasons', () => {
    const { socket } = build();
    socket.start();
    newest().onopen?.();
    newest().say(tick);
    expect(socket.wake()).toBe(false);
    vi.setSystemTime(Date.now() + 60_000);
    expect([socket.wake(), socket.wake(), socket.wake()]).toEqual([true, false, false]);
    expect(BrowserSocket.opened).toHaveLength(2);
  });

  it('asks for health at once when it wakes failed, though a question hangs from before', async () => {
    const signals: AbortSignal[] = [];
    let answer: (isHealthy: boolean) => void = () => undefined;
    const { socket, now } = build((signal) => {
      signals.push(signal);
      return new Promise((resolve) => (answer = resolve));
    });
    socket.start();
    await vi.advanceTimersByTimeAsync(36_020);
    expect(now().phase).toBe('failed');
    expect(signals).toHaveLength(1);
    expect(socket.wake()).toBe(true);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
    answer(true);
    await vi.advanceTimersByTimeAsync(0);
    expect(now().phase).toBe('connecting');
  });

  it('stays failed when nobody answers on waking, and goes on asking every fifteen seconds', async () => {
    const askHealth = vi.fn<() => Promise<boolean>>().mockResolvedValue(false);
    const { socket, now } = build(askHealth);
    socket.start();
    await vi.advanceTimersByTimeAsync(22_000);
    socket.wake();
    await vi.advanceTimersByTimeAsync(0);
    expect(now().phase).toBe('failed');
    expect(askHealth).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(15_000);
    expect(askHealth).toHaveBeenCalledTimes(2);
  });

  it('leaves no timer, no socket and no callback after stop', async () => {
    const { socket, onTick } = build();
    socket.start();
    newest().onopen?.();
    newest().onclose?.();
    socket.stop();
    expect(vi.getTimerCount()).toBe(0);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(BrowserSocket.opened).toHaveLength(1);
    newest().say(tick);
    expect(onTick).not.toHaveBeenCalled();
  });

  it('does not start over when the answer to a health question comes after stop', async () => {
    let answer: (isHealthy: boolean) => void = () => undefined;
    const { socket, now } = build(() => new Promise((resolve) => (answer = resolve)));
    socket.start();
    await vi.advanceTimersByTimeAsync(40_000);
    expect(now().phase).toBe('failed');
    const count = BrowserSocket.opened.length;
    socket.stop();
    answer(true);
    await vi.advanceTimersByTimeAsync(1);
    expect(BrowserSocket.opened).toHaveLength(count);
  });
});
