import { createContext, use } from 'react';
import { createZone, type Zone } from '@/lib/time/zone';

/** By whose clock times are written: the plant's, and the screen's own while that is not known. */
export const ZoneContext = createContext<Zone>(createZone(null));

/** Return the zone by whose clock times are written here. */
export function useZone(): Zone {
  return use(ZoneContext);
}
