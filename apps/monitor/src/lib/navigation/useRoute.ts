import { useSyncExternalStore } from 'react';
import { parseRoute, type Route, writeRoute } from '@/lib/navigation/navigation';

/** `replace` leaves no step for the Back button: for what changes while a hand drags. */
export type Navigate = (change: Partial<Route>, how?: 'push' | 'replace') => void;

let last = { search: '', route: parseRoute('') };

function subscribe(listener: () => void): () => void {
  window.addEventListener('popstate', listener);
  return () => window.removeEventListener('popstate', listener);
}

function read(): Route {
  const { search } = window.location;
  if (search !== last.search) last = { search, route: parseRoute(search) };
  return last.route;
}

const navigate: Navigate = (change, how = 'push') => {
  const url = new URL(window.location.href);
  url.search = writeRoute(url.search, { ...read(), ...change });
  if (url.href === window.location.href) return;
  if (how === 'push') window.history.pushState(null, '', url);
  else window.history.replaceState(null, '', url);
  // As the Back button does it: whoever follows the address hears of it in one way.
  window.dispatchEvent(new PopStateEvent('popstate'));
};

/** Return where the page is, and how to go elsewhere. */
export function useRoute(): readonly [Route, Navigate] {
  return [useSyncExternalStore(subscribe, read), navigate];
}
