/** Which few causes make up most of the downtime. Pure. */
import type { ParetoRowView } from '@/lib/types/generated';

export interface ParetoBar {
  readonly key: string;
  /** Null: nobody has said why. */
  readonly code: string | null;
  readonly name: string;
  readonly downMs: number;
  readonly count: number;
  /** Of all downtime, 0 to 1. */
  readonly share: number;
  /** This cause and all larger ones, 0 to 1. */
  readonly cumulative: number;
}

export interface ParetoWords {
  readonly unexplained: string;
  readonly others: (count: number) => string;
  /** Whether the names of the English page are wanted. */
  readonly isEnglish: boolean;
}

const OTHERS_KEY = '·others';

/**
 * Return the causes, the largest first, at most `max` of them: the smallest are added up as
 * "others", which stay last whatever they come to. Causes without downtime are left out. Causes of
 * the same size keep their order of name, so that nothing jumps between two looks.
 */
export function buildPareto(
  rows: readonly ParetoRowView[],
  max: number,
  words: ParetoWords,
): readonly ParetoBar[] {
  const sorted = rows
    .filter((row) => row.down_ms > 0)
    .map((row) => ({ ...row, name: nameOf(row, words) }))
    .sort((a, b) => b.down_ms - a.down_ms || a.name.localeCompare(b.name));
  const totalMs = sorted.reduce((sum, row) => sum + row.down_ms, 0);
  const isCut = sorted.length > max;
  const shown = isCut ? sorted.slice(0, max - 1) : sorted;
  const rest = sorted.slice(shown.length);
  let reachedMs = 0;
  const add = (key: string, row: Pick<ParetoRowView, 'code' | 'name' | 'down_ms' | 'count'>) => {
    reachedMs += row.down_ms;
    return {
      key,
      code: row.code,
      name: row.name,
      downMs: row.down_ms,
      count: row.count,
      share: row.down_ms / totalMs,
      cumulative: reachedMs / totalMs,
    };
  };
  const bars = shown.map((row) => add(row.code ?? '·unexplained', row));
  if (rest.length === 0) return bars;
  const others = {
    code: null,
    name: words.others(rest.length),
    down_ms: rest.reduce((sum, row) => sum + row.down_ms, 0),
    count: rest.reduce((sum, row) => sum + row.count, 0),
  };
  return [...bars, add(OTHERS_KEY, others)];
}

function nameOf(row: ParetoRowView, words: ParetoWords): string {
  if (row.code === null) return words.unexplained;
  return (words.isEnglish ? row.name_en : null) ?? row.name;
}
