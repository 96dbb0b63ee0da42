import { useEffect, useState } from 'react';
import type { Rest } from '@/lib/rest/rest';
import type { EquipmentDetailView, PlcView } from '@/lib/types/generated';

/** While the dialog is open its values are asked for this often. */
const PERIOD_MS = 2_000;

export interface Detail {
  readonly view: EquipmentDetailView | null;
  readonly plc: PlcView | null;
  readonly isUnavailable: boolean;
}

/** Return the newest details of `code`; asks again every two seconds and when `status` changes. */
export function useDetail(rest: Rest, code: string, status: string): Detail {
  const [detail, setDetail] = useState<Detail>({ view: null, plc: null, isUnavailable: false });
  useEffect(() => {
    const stopped = new AbortController();
    const { signal } = stopped;
    let timer: ReturnType<typeof setTimeout> | undefined;
    async function ask(): Promise<void> {
      try {
        const [view, { plcs }] = await Promise.all([
          rest.getDetail(code, signal),
          rest.getPlcs(signal),
        ]);
        if (signal.aborted) return;
        const plc = plcs.find(({ id }) => id === view.plc) ?? null;
        setDetail({ view, plc, isUnavailable: false });
      } catch {
        if (signal.aborted) return;
        setDetail((last) => ({ ...last, isUnavailable: true }));
      }
      timer = setTimeout(() => void ask(), PERIOD_MS);
    }
    void ask();
    return () => {
      stopped.abort();
      clearTimeout(timer);
    };
  }, [rest, code, status]);
  return detail;
}
