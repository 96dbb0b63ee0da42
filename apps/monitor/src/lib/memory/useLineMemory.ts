import { createContext, use, useEffect, useMemo, useSyncExternalStore } from 'react';
import { LineMemory, type LineMemoryState } from '@/lib/memory/lineMemory';
import type { LineSession } from '@/lib/session/lineSession';
import { createZone, type Zone } from '@/lib/time/zone';

/** The memory of the line on the page. */
export const LineMemoryContext = createContext<LineMemory>(new LineMemory(''));

/** Keep the memory of a line for as long as the component lives; nothing is asked without a line. */
export function useNewLineMemory(lineId: string | null, session: LineSession): LineMemory {
  const memory = useMemo(() => new LineMemory(lineId ?? ''), [lineId]);
  useEffect(() => {
    if (lineId === null) return;
    memory.start();
    const unsubscribe = session.subscribe(memory.tell);
    return () => {
      unsubscribe();
      memory.stop();
    };
  }, [memory, lineId, session]);
  return memory;
}

/** Return the zone by whose clock the plant of `memory` works; the screen's until that is known. */
export function useMemoryZone(memory: LineMemory): Zone {
  const name = useSyncExternalStore(memory.subscribe, () => memory.getState().timeZone);
  return useMemo(() => createZone(name), [name]);
}

/** Return how to ask at once, after something was written. */
export function useReloadMemory(): () => void {
  return use(LineMemoryContext).reload;
}

/** Select from the line's memory; renders only when what was selected changed identity. */
export function useLineMemory<Selected>(select: (state: LineMemoryState) => Selected): Selected {
  const memory = use(LineMemoryContext);
  return useSyncExternalStore(memory.subscribe, () => select(memory.getState()));
}
