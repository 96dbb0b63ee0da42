/** When the page asks its questions over REST: one at a time, and not as one with every other page. */
import { elapsedMs, type Instant, readClocks } from '@/lib/time/instant';

const WAIT_MIN_MS = 100;
const WAIT_MAX_MS = 900;
/** Each failed question doubles the wait before the next, up to so many times. */
const DOUBLINGS_MAX = 4;
/** Even when nothing changes: PLC health moves, and a missed answer is made good. */
const REFRESH_MS = 60_000;
/** How often it is asked whether there is news that no tick tells: a little question, a short answer. */
const NEWS_MIN_MS = 3_000;
const NEWS_MAX_MS = 5_000;

export interface RefetcherOptions {
  /** Ask everything; throws where an answer is missing. */
  readonly ask: (signal: AbortSignal) => Promise<void>;
  /** Whether there is news since the last answer. */
  readonly hasNews: (signal: AbortSignal) => Promise<boolean>;
  /** Whether a failed question is worth another. */
  readonly mayAskAgain: () => boolean;
}

export class Refetcher {
  readonly #options: RefetcherOptions;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #question: AbortController | null = null;
  #askedAt: Instant = readClocks();
  #newsQuestion: AbortController | null = null;
  #newsAskedAt: Instant = readClocks();
  #newsWaitMs = chooseNewsWait();
  #failures = 0;
  #isStopped = true;

  constructor(options: RefetcherOptions) {
    this.#options = options;
  }

  start(): void {
    this.#isStopped = false;
    void this.#ask();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#question?.abort();
    this.#question = null;
    this.#newsQuestion?.abort();
    this.#newsQuestion = null;
  }

  /** Ask at once, also where a question is open: it may have hung since before a sleep. */
  now(): void {
    if (this.#isStopped) return;
    this.#failures = 0;
    this.#question?.abort();
    void this.#ask();
  }

  soon(): void {
    if (this.#timer !== undefined || this.#isStopped) return;
    // A thousand screens see the same change at the same moment; they must not ask as one.
    const waitMs = WAIT_MIN_MS + Math.random() * (WAIT_MAX_MS - WAIT_MIN_MS);
    const doublings = Math.min(this.#failures, DOUBLINGS_MAX);
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        if (this.#question === null) void this.#ask();
      },
      waitMs * 2 ** doublings,
    );
  }

  /** To be called now and then: ask what has not been asked for a while. */
  look(now: Instant): void {
    if (this.#isStopped || this.#question !== null || this.#timer !== undefined) return;
    if (elapsedMs(this.#askedAt, now) > REFRESH_MS) this.soon();
    else if (elapsedMs(this.#newsAskedAt, now) > this.#newsWaitMs) void this.#askForNews();
  }

  async #askForNews(): Promise<void> {
    if (this.#newsQuestion !== null) return;
    const question = new AbortController();
    this.#newsQuestion = question;
    this.#newsAskedAt = readClocks();
    this.#newsWaitMs = chooseNewsWait();
    let hasNews = false;
    try {
      hasNews = await this.#options.hasNews(question.signal);
    } catch {
      // It is asked again in a few seconds; the socket says whether the server is there.
    }
    if (this.#newsQuestion !== question) return;
    this.#newsQuestion = null;
    // The little questions are spread already: what they find out is asked at once.
    if (hasNews && this.#question === null && this.#timer === undefined) void this.#ask();
  }

  async #ask(): Promise<void> {
    const question = new AbortController();
    this.#question = question;
    this.#askedAt = readClocks();
    let hasFailed = false;
    try {
      await this.#options.ask(question.signal);
    } catch {
      // The socket says whether the server is there; what is missing is asked for again below.
      hasFailed = true;
    }
    if (this.#question !== question) return;
    this.#question = null;
    this.#failures = hasFailed ? this.#failures + 1 : 0;
    if (hasFailed && this.#options.mayAskAgain()) this.soon();
  }
}

function chooseNewsWait(): number {
  return NEWS_MIN_MS + Math.random() * (NEWS_MAX_MS - NEWS_MIN_MS);
}
