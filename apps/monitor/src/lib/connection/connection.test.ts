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
