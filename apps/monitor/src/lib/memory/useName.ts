/** Who writes: a name that this screen remembers. It is no proof of who someone is. */
import { useSyncExternalStore } from 'react';

const STORAGE_KEY = 'lineside.name';
export const NAME_MAX = 60;

const listeners = new Set<() => void>();
let name = read();

function read(): string {
  try {
    return window.localStorage.getItem(STORAGE_KEY)?.slice(0, NAME_MAX) ?? '';
  } catch {
    return '';
  }
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function setName(next: string): void {
  name = next.slice(0, NAME_MAX);
  try {
    window.localStorage.setItem(STORAGE_KEY, name);
  } catch {
    // A kiosk without storage keeps the name until it is reloaded.
  }
  for (const listener of listeners) listener();
}

/** Return the name and how to change it; every field on the page shows the same. */
export function useName(): readonly [string, (name: string) => void] {
  return [useSyncExternalStore(subscribe, () => name), setName];
}
