/** From key figures to what stands on the page. Pure: nothing unknown ever becomes a number. */
import { formatPercent } from '@/lib/kpi/percent';
import { type DurationWords, formatDuration } from '@/lib/time/format';
import type { KpisView } from '@/lib/types/generated';

/** Why there is a dash in place of a figure. */
export type WhyNone =
  'noPlan' | 'nothingSeen' | 'neverBusy' | 'fewFailures' | 'deleted' | 'insufficient';

export interface Figure {
  /** Null: there is no figure, and `why` says why. */
  readonly text: string | null;
  readonly why: WhyNone | null;
}

export const FIGURE_NAMES = [
  'availability',
  'strict_availability',
  'utilisation',
  'technical_efficiency',
  'mtbf',
  'mttr',
  'stops',
  'micro_stops',
] as const;
export type FigureName = (typeof FIGURE_NAMES)[number];

/** Those that count how often something was, and not only how long. */
export const OFTEN_FIGURES = ['mtbf', 'mttr', 'stops', 'micro_stops'] as const;
export type OftenFigure = (typeof OFTEN_FIGURES)[number];

/** Return one figure, or why there is none. */
export function getFigure(kpis: KpisView, name: FigureName, words: DurationWords): Figure {
  switch (name) {
    case 'availability':
      return getAvailability(kpis);
    case 'strict_availability':
      return share(kpis.strict_availability, 'noPlan');
    case 'utilisation':
      return share(kpis.utilisation, getWhyIdle(kpis));
    case 'technical_efficiency':
      return share(kpis.technical_efficiency, getWhyIdle(kpis));
    case 'mtbf':
      return length(kpis, kpis.mtbf_ms, words);
    case 'mttr':
      return length(kpis, kpis.mttr_ms, words);
    case 'stops':
      return { text: String(kpis.stops), why: null };
    case 'micro_stops':
      return { text: String(kpis.micro_stops), why: null };
  }
}

/** Availability is shown with its coverage only; where too little was seen there is no figure. */
function getAvailability(kpis: KpisView): Figure {
  if (kpis.coverage === null) return { text: null, why: 'noPlan' };
  if (kpis.availability === null) return { text: null, why: 'nothingSeen' };
  if (!kpis.is_sufficient) return { text: null, why: 'insufficient' };
  return { text: formatPercent(kpis.availability), why: null };
}

function getWhyIdle(kpis: KpisView): WhyNone {
  if (kpis.coverage === null) return 'noPlan';
  return kpis.coverage === 0 ? 'nothingSeen' : 'neverBusy';
}

function share(value: number | null, why: WhyNone): Figure {
  return value === null ? { text: null, why } : { text: formatPercent(value), why: null };
}

function length(kpis: KpisView, ms: number | null, words: DurationWords): Figure {
  if (kpis.failures === null) return { text: null, why: 'deleted' };
  if (ms === null) return { text: null, why: 'fewFailures' };
  return { text: formatDuration(ms / 1_000, words), why: null };
}

/** How the planned time was spent, in the order in which it is drawn. */
export const SHARES = ['running', 'idle', 'stopped', 'error', 'disconnected', 'unseen'] as const;
export type ShareName = (typeof SHARES)[number];

export interface TimeShare {
  readonly name: ShareName;
  readonly ms: number;
  /** Of the planned time, 0 to 1. */
  readonly share: number;
}

/** Return how the planned time was spent; what took no time is left out. */
export function listShares(kpis: KpisView): readonly TimeShare[] {
  const all = SHARES.map((name) => ({ name, ms: kpis[`${name}_ms`] }));
  const totalMs = all.reduce((sum, { ms }) => sum + ms, 0);
  return all.flatMap(({ name, ms }) => (ms > 0 ? [{ name, ms, share: ms / totalMs }] : []));
}

/** Return the planned time in which nobody saw the machines. */
export function getUnseenMs(kpis: KpisView): number {
  return kpis.disconnected_ms + kpis.unseen_ms;
}
