/** Where the server is, and one question to it with an end. */

/**
 * The address below which everything of the server lies: the page's own folder, whatever a reverse
 * proxy calls that; in development the default server.
 */
export const serverBase: string = import.meta.env.DEV
  ? new URL('/', import.meta.env.VITE_LINESIDE_SERVER ?? 'http://localhost:8000').href
  : new URL('.', window.location.href).href;

/** Return where `path`, as the server's documents write it ("/api/lines"), is below `base`. */
export function locate(path: string, base: string = serverBase): URL {
  return new URL(path.replace(/^\/+/, ''), base);
}

export interface Question extends Omit<RequestInit, 'signal' | 'headers'> {
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

/** Ask for `path`; the question is given up when `signal` says so, or after `timeoutMs`. */
export function askServer(
  path: string,
  { signal, timeoutMs, headers, ...rest }: Question,
  base: string = serverBase,
): Promise<Response> {
  return fetch(locate(path, base), {
    ...rest,
    signal: endAfter(signal, timeoutMs),
    headers: { accept: 'application/json', ...headers },
  });
}

/**
 * Return a signal that says what `signal` says, or that `timeoutMs` are over. `AbortSignal.any` does
 * the same, in browsers younger than many that hang on a wall.
 */
export function endAfter(signal: AbortSignal, timeoutMs: number): AbortSignal {
  const either = new AbortController();
  const follow = (): void => end(signal.reason);
  const timer = setTimeout(
    () => end(new DOMException('No answer in time', 'TimeoutError')),
    timeoutMs,
  );
  function end(reason: unknown): void {
    clearTimeout(timer);
    signal.removeEventListener('abort', follow);
    either.abort(reason);
  }
  if (signal.aborted) follow();
  else signal.addEventListener('abort', follow);
  return either.signal;
}
