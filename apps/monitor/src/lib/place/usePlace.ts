import { useSyncExternalStore } from 'react';
import { parsePlace, type Place, writePlace } from '@/lib/place/place';

export type Go = (change: Partial<Place>) => void;

let last = { search: '', place: parsePlace('') };

function subscribe(listener: () => void): () => void {
  window.addEventListener('popstate', listener);
  return () => window.removeEventListener('popstate', listener);
}

function read(): Place {
  const { search } = window.location;
  if (search !== last.search) last = { search, place: parsePlace(search) };
  return last.place;
}

const go: Go = (change) => {
  const url = new URL(window.location.href);
  url.search = writePlace(url.search, { ...read(), ...change });
  if (url.href === window.location.href) return;
  window.history.pushState(null, '', url);
  // As the Back button does it: whoever follows the address hears of it in one way.
  window.dispatchEvent(new PopStateEvent('popstate'));
};

/** Return which view is open and what it looks at, and how to go elsewhere. */
export function usePlace(): readonly [Place, Go] {
  return [useSyncExternalStore(subscribe, read), go];
}
