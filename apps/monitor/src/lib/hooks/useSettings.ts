import { useSyncExternalStore } from 'react';
import { type Settings, SettingsStore } from '@/lib/settings/settings';

const store = new SettingsStore();

/** Return this screen's settings and how to change them. */
export function useSettings(): readonly [Settings, (change: Partial<Settings>) => void] {
  return [useSyncExternalStore(store.subscribe, store.get), store.set];
}
