import { useState } from 'react';
import { RestError } from '@/lib/rest/rest';

export interface Write {
  readonly isBusy: boolean;
  /** Null: nothing was refused. Empty: refused, and the server did not say why. */
  readonly error: string | null;
  /** Do it; the answer says whether it was done. A second press while it is being done is ignored. */
  readonly run: (action: () => Promise<unknown>) => Promise<boolean>;
}

/** Something that a person writes: busy while it is written, and why it was refused. */
export function useWrite(): Write {
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  async function run(action: () => Promise<unknown>): Promise<boolean> {
    if (isBusy) return false;
    setBusy(true);
    setError(null);
    try {
      await action();
      return true;
    } catch (refusal) {
      setError(refusal instanceof RestError ? refusal.detail : '');
      return false;
    } finally {
      setBusy(false);
    }
  }
  return { isBusy, error, run };
}
