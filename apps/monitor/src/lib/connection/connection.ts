/**
 * The state of the page's one connection, as a pure reducer. Sockets and timers live in
 * `monitorSocket.ts`, which does what the state asks for.
 */
import type { ConnectionStatus } from '@/lib/types/equipment';

export const RETRY_DELAY_MS = 3_000;
export const ATTEMPTS_MAX = 5;
/** A socket that is open but silent for longer is stale: ticks come every second. */
export const SILENCE_STALE_MS = 3_000;
/** A socket silent for this long is taken for half-open and given up. */
export const SILENCE_LOST_MS = 10_000;
/** Attempts start `RETRY_DELAY_MS` apart, so one that hangs must not outlast that. */
export const CONNECT_TIMEOUT_MS = RETRY_DELAY_MS;
export const HEALTH_PERIOD_MS = 15_000;
/** On waking, a socket that has been silent for longer is not waited for: it has missed a tick. */
export const SILENCE_WAKING_MS = 2_000;

/**
 * `stale` is a socket that is open while ticks have stopped. `reconnecting` waits for or makes
 * attempt `attempt` of `ATTEMPTS_MAX`.
 */
export type Phase = 'connecting' | 'live' | 'stale' | 'reconnecting' | 'failed';

export interface Connection {
  readonly phase: Phase;
  readonly attempt: number;
  /** Counts sockets; a new number asks for a new socket. */
  readonly socketNumber: number;
  readonly socket: 'none' | 'opening' | 'open';
  /** Counts the wakings of a failed connection; a new number asks for the server's health at once. */
  readonly healthNumber: number;
  /** What the server said in a `connection_status` of status `error`. */
  readonly notice: string | null;
}

export type ConnectionEvent =
  | { readonly type: 'opened' }
  | { readonly type: 'ticked' }
  | { readonly type: 'silent'; readonly silenceMs: number }
  | { readonly type: 'lost' }
  | { readonly type: 'retryDue' }
  | { readonly type: 'startOver' }
  /** `silenceMs`: since the socket last said anything, or since it began to open. */
  | { readonly type: 'woke'; readonly silenceMs: number }
  | { readonly type: 'noticed'; readonly message: string }
  | { readonly type: 'noticeDismissed' };

export const initialConnection: Connection = {
  phase: 'connecting',
  attempt: 0,
  socketNumber: 1,
  socket: 'opening',
  healthNumber: 0,
  notice: null,
};

/** Return the connection after `event`; the same object when nothing changes. */
export function reduceConnection(state: Connection, event: ConnectionEvent): Connection {
  switch (event.type) {
    case 'opened':
      // The attempts are only forgiven by a tick: a server that accepts and hangs up is no server.
      return state.socket === 'opening' ? { ...state, phase: 'live', socket: 'open' } : state;
    case 'ticked':
      if (state.socket !== 'open') return state;
      if (state.phase === 'live' && state.attempt === 0) return state;
      return { ...state, phase: 'live', attempt: 0 };
    case 'silent':
      return reduceSilence(state, event.silenceMs);
    case 'lost':
      return state.socket === 'none' ? state : lose(state);
    case 'retryDue':
      return state.phase === 'reconnecting' && state.socket === 'none'
        ? { ...state, socket: 'opening', socketNumber: state.socketNumber + 1 }
        : state;
    case 'startOver':
      return startOver(state);
    case 'woke':
      return reduceWaking(state, event.silenceMs);
    case 'noticed':
      return { ...state, notice: event.message };
    case 'noticeDismissed':
      return state.notice === null ? state : { ...state, notice: null };
  }
}

/** Return the word that the contract's hook has for this state. */
export function getConnectionStatus(connection: Connection): ConnectionStatus {
  if (connection.phase === 'failed') return 'failed';
  // Stale is not "connected": whoever reads this word wants to know whether the page can hear.
  return connection.phase === 'live' ? 'connected' : 'reconnecting';
}

function reduceSilence(state: Connection, silenceMs: number): Connection {
  if (state.socket !== 'open') return state;
  if (silenceMs > SILENCE_LOST_MS) return lose(state);
  if (silenceMs > SILENCE_STALE_MS && state.phase === 'live') return { ...state, phase: 'stale' };
  return state;
}

/**
 * The page woke up, became visible or got its network back. What it had to wait for while it slept is
 * not waited for now: a young socket is kept, any other state begins anew at once.
 */
function reduceWaking(state: Connection, silenceMs: number): Connection {
  // Failed stays on the screen until somebody answers; a page that is looked at must not flicker.
  if (state.phase === 'failed') return { ...state, healthNumber: state.healthNumber + 1 };
  const isYoung = state.socket !== 'none' && silenceMs <= SILENCE_WAKING_MS;
  return isYoung ? state : startOver(state);
}

function startOver(state: Connection): Connection {
  const { socketNumber, healthNumber } = state;
  return { ...initialConnection, healthNumber, socketNumber: socketNumber + 1 };
}

function lose(state: Connection): Connection {
  if (state.attempt >= ATTEMPTS_MAX) return { ...state, phase: 'failed', socket: 'none' };
  return { ...state, phase: 'reconnecting', attempt: state.attempt + 1, socket: 'none' };
}
