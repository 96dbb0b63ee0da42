/** How much of its time a whole line ran. Remembers each machine's part, and does no I/O. */
import { type Board, getKnownSinceMs, getObservedSinceMs } from '@/lib/board/board';
import {
  type Amounts,
  buildSpans,
  chooseScale,
  measureShare,
  measureSpans,
  type Share,
  type Span,
  type TimelineInput,
} from '@/lib/board/timeline';

export interface LineShare extends Share {
  readonly windowMs: number;
}

/**
 * Measures the line anew for each change of one machine, and of its hundreds of machines only those
 * that changed: within a minute, the others' timelines stay as they are.
 */
export class LineShareMeter {
  #known: ReadonlyMap<string, { readonly input: TimelineInput; readonly amounts: Amounts }> =
    new Map();

  measure(board: Board, lateCodes: ReadonlySet<string>, endMs: number): LineShare {
    const { windowMs } = chooseScale(getKnownSinceMs(board), endMs);
    const measured = new Map<string, { input: TimelineInput; amounts: Amounts }>();
    for (const { code, status, sinceMs } of board.machines.values()) {
      const input: TimelineInput = {
        changes: board.changes.get(code) ?? NO_CHANGES,
        status,
        sinceMs,
        observedSinceMs: getObservedSinceMs(board, code),
        startMs: endMs - windowMs,
        endMs,
        heardUntilMs: lateCodes.has(code) ? (board.lastUpdatedMs.get(code) ?? 0) : endMs,
        earlier: board.earlier.get(code) ?? NO_SPANS,
      };
      const known = this.#known.get(code);
      const amounts =
        known !== undefined && isSameInput(known.input, input)
          ? known.amounts
          : measureSpans(buildSpans(input));
      measured.set(code, { input, amounts });
    }
    this.#known = measured;
    return { ...measureShare([...measured.values()].map(({ amounts }) => amounts)), windowMs };
  }
}

const NO_CHANGES: TimelineInput['changes'] = [];
const NO_SPANS: readonly Span[] = [];

function isSameInput(a: TimelineInput, b: TimelineInput): boolean {
  return (Object.keys(a) as Array<keyof TimelineInput>).every((key) => a[key] === b[key]);
}
