import { describe, expect, it } from 'vitest';
import {
  ATTEMPTS_MAX,
  type Connection,
  type ConnectionEvent,
  getConnectionStatus,
  initialConnection,
  reduceConnection,
} from '@/lib/connection/connection';

const after = (...events: ConnectionEvent[]): Connection =>
  events.reduce(reduceConnection, initialConnection);
const opened: ConnectionEvent = { type: 'opened' };
const ticked: ConnectionEvent = { type: 'ticked' };
const lost: ConnectionEvent = { type: 'lost' };
const retryDue: ConnectionEvent = { type: 'retryDue' };
const silent = (silenceMs: number): ConnectionEvent => ({ type: 'silent', silenceMs });

const woke = (silenceMs: number): ConnectionEvent => ({ type: 'woke', silenceMs });

const failed = after(
  opened,
  ticked,
  lost,
  ...Array.from({ length: ATTEMPTS_MAX }, () => [retryDue, lost]).flat(),
);

describe('reduceConnection', () => {
  it('is live once the socket is open', () => {
    expect(after(opened)).toMatchObject({ phase: 'live', socket: 'open' });
  });

  it('counts the first loss as attempt 1 and asks for a socket only when the wait is over', () => {
    const waiting = after(opened, ticked, lost);
    expect(waiting).toMatchObject({ phase: 'reconnecting', attempt: 1, socket: 'none' });
    const trying = reduceConnection(waiting, retryDue);
    expect(trying).toMatchObject({ phase: 'reconnecting', attempt: 1, socket: 'opening' });
    expect(trying.socketNumber).toBe(waiting.socketNumber + 1);
  });

  it('fails after exactly five attempts', () => {
    const fifth = after(lost, ...Array.from({ length: 4 }, () => [retryDue, lost]).flat());
    expect(fifth).toMatchObject({ phase: 'reconnecting', attempt: 5 });
    expect(after(lost, ...Array.from({ length: 5 }, () => [retryDue, lost]).flat()).phase).toBe(
      'failed',
    );
  });

  it('does not forgive attempts to a server that accepts and hangs up without a tick', () => {
    const again = after(lost, retryDue, opened, lost);
    expect(again).toMatchObject({ phase: 'reconnecting', attempt: 2 });
  });

  it('forgives all attempts at the first tick', () => {
    expect(after(lost, retryDue, opened, ticked, lost)).toMatchObject({ attempt: 1 });
  });

  it('turns stale after three seconds of silence, live again with a tick, lost after ten', () => {
    expect(after(opened, ticked, silent(3_000)).phase).toBe('live');
    expect(after(opened, ticked, silent(3_001)).phase).toBe('stale');
    expect(after(opened, ticked, silent(3_001), ticked).phase).toBe('live');
    expect(after(opened, ticked, silent(10_001))).toMatchObject({
      phase: 'reconnecting',
      attempt: 1,
    });
  });

  it('starts over from failed with a fresh count and a new socket', () => {
    const again = reduceConnection(failed, { type: 'startOver' });
    expect(again).toMatchObject({ phase: 'connecting', attempt: 0, socket: 'opening' });
    expect(again.socketNumber).toBe(failed.socketNumber + 1);
  });

  it.each([
    ['a socket that missed a tick', after(opened, ticked), 2_001],
    ['a stale socket', after(opened, ticked, silent(4_000)), 4_000],
    ['a socket that has been silent for hours', after(opened, ticked), 8 * 3_600_000],
    ['an attempt from before the sleep', after(opened, ticked, lost, retryDue), 60_000],
    ['a wait for the next attempt', after(opened, ticked, lost), 60_000],
    ['a wait that has only begun', after(opened, ticked, lost, retryDue, lost), 10],
  ])('does not wait on waking for %s', (_, before, silenceMs) => {
    const awake = reduceConnection(before, woke(silenceMs));
    expect(awake).toMatchObject({ phase: 'connecting', attempt: 0, socket: 'opening' });
    expect(awake.socketNumber).toBe(before.socketNumber + 1);
  });

  it.each([
    ['a socket that ticks', after(opened, ticked), 1_100],
    ['a socket that has just opened', after(opened), 50],
    ['an attempt that has just begun', after(lost, retryDue), 50],
    ['the first attempt', initialConnection, 50],
  ])('keeps on waking %s, however often it is told', (_, before, silenceMs) => {
    expect(reduceConnection(before, woke(silenceMs))).toBe(before);
  });

  it('stays failed on waking, and asks for health at once and each time', () => {
    const awake = reduceConnection(failed, woke(3_600_000));
    expect(awake).toEqual({ ...failed, healthNumber: failed.healthNumber + 1 });
    expect(reduceConnection(awake, woke(0)).healthNumber).toBe(failed.healthNumber + 2);
  });

  it('counts a loss once, whether it comes as an error, a close or a timeout', () => {
    expect(after(opened, ticked, lost, lost, lost)).toMatchObject({ attempt: 1 });
  });

  it.each([retryDue, lost, opened, ticked, silent(60_000)])(
    'stays failed on a late %o',
    (event) => {
      expect(reduceConnection(failed, event)).toBe(failed);
    },
  );

  it('keeps what the server complains of until it is dismissed', () => {
    const noticed = after(opened, { type: 'noticed', message: 'unknown type' });
    expect(noticed).toMatchObject({ phase: 'live', notice: 'unknown type' });
    expect(reduceConnection(noticed, { type: 'noticeDismissed' }).notice).toBeNull();
  });
});

describe('getConnectionStatus', () => {
  it("is the contract's word, and connected only while the page hears", () => {
    expect(getConnectionStatus(initialConnection)).toBe('reconnecting');
    expect(getConnectionStatus(after(opened, ticked))).toBe('connected');
    expect(getConnectionStatus(after(opened, ticked, silent(4_000)))).toBe('reconnecting');
    expect(getConnectionStatus(after(opened, lost))).toBe('reconnecting');
    expect(getConnectionStatus(failed)).toBe('failed');
  });
});
