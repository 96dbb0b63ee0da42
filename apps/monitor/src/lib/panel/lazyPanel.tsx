import { type ComponentType, createContext, createElement, use } from 'react';

/** Which attempt at showing a panel this is; each has a number of its own. */
export const AttemptContext = createContext(0);

/** A part of the page that could not be fetched: no network, or a server with another build. */
export class PanelMissing extends Error {
  constructor(cause: unknown) {
    super('a part of the page could not be loaded', { cause });
    this.name = 'PanelMissing';
  }
}

interface Loading<Props> {
  readonly attempt: number;
  readonly component: Promise<ComponentType<Props>>;
  hasFailed: boolean;
}

/**
 * Return a component that is fetched when it is first shown. Other than with React's `lazy`, what
 * could not be fetched is fetched again by the next attempt of the `Panel` around it.
 */
export function lazyPanel<Props extends object>(
  load: () => Promise<ComponentType<Props>>,
): ComponentType<Props> {
  let loading: Loading<Props> | null = null;
  function start(attempt: number): Loading<Props> {
    const started: Loading<Props> = {
      attempt,
      component: load().catch((error: unknown) => {
        started.hasFailed = true;
        throw new PanelMissing(error);
      }),
      hasFailed: false,
    };
    return started;
  }
  return function LazyPanel(props: Props) {
    const attempt = use(AttemptContext);
    if (loading === null || (loading.hasFailed && loading.attempt !== attempt)) {
      loading = start(attempt);
    }
    return createElement(use(loading.component), props);
  };
}
