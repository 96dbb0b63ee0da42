/**
 * The effects of the connection: the socket, its timers and the questions to `/healthz`. What they
 * mean is decided in `connection.ts`; what the messages say is somebody else's business.
 */
import {
  CONNECT_TIMEOUT_MS,
  type Connection,
  type ConnectionEvent,
  HEALTH_PERIOD_MS,
  initialConnection,
  RETRY_DELAY_MS,
  reduceConnection,
  SILENCE_WAKING_MS,
} from '@/lib/connection/connection';
import { parseMessage } from '@/lib/connection/messages';
import { elapsedMs, type Instant, readClocks } from '@/lib/time/instant';
import type { EquipmentStatusMessage } from '@/lib/types/generated';

export interface MonitorSocketOptions {
  readonly url: string;
  /** Whether the server's `/healthz` answers. An aborted question may answer anything. */
  readonly askHealth: (signal: AbortSignal) => Promise<boolean>;
  readonly onConnection: (connection: Connection) => void;
  /** Whether a tick comes so late that it says nothing of the present: it counts as silence. */
  readonly isLate: (message: EquipmentStatusMessage, receivedAt: Instant) => boolean;
  readonly onTick: (message: EquipmentStatusMessage, receivedAt: Instant) => void;
  readonly onMalformed: () => void;
}

export class MonitorSocket {
  readonly #options: MonitorSocketOptions;
  #connection: Connection = initialConnection;
  #socket: WebSocket | null = null;
  #heardAt: Instant = readClocks();
  #lookedAt: Instant = readClocks();
  #attemptStartedAt: Instant = readClocks();
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #connectTimer: ReturnType<typeof setTimeout> | undefined;
  #healthTimer: ReturnType<typeof setInterval> | undefined;
  #isRunning = false;
  #healthQuestion: AbortController | null = null;

  constructor(options: MonitorSocketOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#connection = initialConnection;
    this.#lookedAt = readClocks();
    this.#openSocket();
    this.#options.onConnection(this.#connection);
  }

  /** Close everything. Nothing is called back afterwards. */
  stop(): void {
    this.#isRunning = false;
    this.#clearTimers();
    this.#dropSocket();
  }

  /** Begin again at once with a fresh count of attempts. */
  startOver(): void {
    this.#dispatch({ type: 'startOver' });
  }

  dismissNotice(): void {
    this.#dispatch({ type: 'noticeDismissed' });
  }

  /** Look at the clock: has the socket been silent too long? To be called about twice a second. */
  checkSilence(now: Instant): void {
    this.#lookedAt = now;
    this.#judgeSilence(now);
  }

  #judgeSilence(now: Instant): void {
    if (this.#connection.socket !== 'open') return;
    this.#dispatch({ type: 'silent', silenceMs: elapsedMs(this.#heardAt, now) });
  }

  /**
   * The machine woke up, the network came back or the tab became visible: a socket from before
   * may be dead without knowing it, and a failed connection may heal now.
   *
   * Returns whether the connection was in doubt, so that what is shown should be asked for anew.
   */
  wake(now: Instant = readClocks()): boolean {
    const before = this.#connection;
    this.#dispatch({ type: 'woke', silenceMs: elapsedMs(this.#heardAt, now) });
    return this.#connection !== before;
  }

  #dispatch(event: ConnectionEvent): void {
    if (!this.#isRunning) return;
    const before = this.#connection;
    const after = reduceConnection(before, event);
    if (after === before) return;
    this.#connection = after;
    if (after.socketNumber !== before.socketNumber) this.#openSocket();
    else if (after.socket === 'none' && before.socket !== 'none') this.#closeAndWait(after);
    if (after.healthNumber !== before.healthNumber) void this.#askHealth();
    this.#options.onConnection(after);
  }

  #openSocket(): void {
    this.#clearTimers();
    this.#dropSocket();
    const now = readClocks();
    this.#heardAt = now;
    this.#attemptStartedAt = now;
    const socket = new WebSocket(this.#options.url);
    this.#socket = socket;
    this.#connectTimer = setTimeout(() => this.#dispatch({ type: 'lost' }), CONNECT_TIMEOUT_MS);
    socket.onopen = () => {
      clearTimeout(this.#connectTimer);
      this.#heardAt = readClocks();
      this.#dispatch({ type: 'opened' });
    };
    socket.onmessage = (event: MessageEvent<unknown>) => this.#receive(event.data);
    socket.onclose = () => this.#dispatch({ type: 'lost' });
    // `close` always follows an error, and it is `close` that counts the attempt.
    socket.onerror = () => undefined;
  }

  #receive(data: unknown): void {
    const receivedAt = readClocks();
    const message = parseMessage(data);
    if (message === null) {
      this.#options.onMalformed();
      return;
    }
    if (message.type === 'equipment_status') {
      // What was waiting while the machine slept is from before the sleep: judge the gap first.
      const { phase } = this.#connection;
      this.#judgeSilence(receivedAt);
      const hasSlept = phase === 'live' && this.#hasSlept(receivedAt);
      if (hasSlept && this.#connection.phase === 'stale') this.wake(receivedAt);
      if (this.#connection.socket !== 'open') return;
      if (this.#options.isLate(message, receivedAt)) return;
      this.#heardAt = receivedAt;
      this.#dispatch({ type: 'ticked' });
      this.#options.onTick(message, receivedAt);
    } else if (message.type === 'connection_status') {
      if (message.status === 'disconnected') this.#dispatch({ type: 'lost' });
      if (message.status === 'error') this.#dispatch({ type: 'noticed', message: message.message });
    }
  }

  /** Whether nobody has looked at the clock for long: the page slept then, not the server. */
  #hasSlept(now: Instant): boolean {
    const isShown = document.visibilityState === 'visible'; // else it is throttled, and wakes later
    return isShown && elapsedMs(this.#lookedAt, now) > SILENCE_WAKING_MS;
  }

  #closeAndWait(connection: Connection): void {
    this.#clearTimers();
    this.#dropSocket();
    if (connection.phase === 'failed') {
      this.#healthTimer = setInterval(() => {
        if (this.#healthQuestion === null) void this.#askHealth();
      }, HEALTH_PERIOD_MS);
      return;
    }
    // An attempt that hung has already used up its share of the wait.
    const isFirst = connection.attempt === 1;
    const usedMs = isFirst ? 0 : elapsedMs(this.#attemptStartedAt, readClocks());
    const delayMs = Math.max(0, RETRY_DELAY_MS - usedMs);
    this.#retryTimer = setTimeout(() => this.#dispatch({ type: 'retryDue' }), delayMs);
  }

  /** Ask anew; a question that is still open may have hung since before a sleep. */
  async #askHealth(): Promise<void> {
    this.#healthQuestion?.abort();
    const question = new AbortController();
    this.#healthQuestion = question;
    const answers = await this.#options.askHealth(question.signal);
    if (this.#healthQuestion !== question) return;
    this.#healthQuestion = null;
    if (answers && this.#connection.phase === 'failed') this.startOver();
  }

  #dropSocket(): void {
    const socket = this.#socket;
    this.#socket = null;
    if (socket === null) return;
    socket.onopen = null;
    socket.onmessage = null;
    socket.onclose = null;
    socket.onerror = null;
    socket.close();
  }

  #clearTimers(): void {
    clearTimeout(this.#retryTimer);
    clearTimeout(this.#connectTimer);
    clearInterval(this.#healthTimer);
    this.#healthQuestion?.abort();
    this.#healthQuestion = null;
  }
}
