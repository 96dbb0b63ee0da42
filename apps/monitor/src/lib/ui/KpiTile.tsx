import { type FigureName, getFigure } from '@/lib/kpi/figures';
import { formatCoverage } from '@/lib/kpi/percent';
import { useMemoryStrings } from '@/lib/i18n/useMemoryStrings';
import { useStrings } from '@/lib/i18n/useStrings';
import { formatDuration } from '@/lib/time/format';
import type { KpisView } from '@/lib/types/generated';
import styles from './KpiTile.module.css';

interface KpiTileProps {
  readonly kpis: KpisView;
  readonly name: FigureName;
  /** Of which time, where several stand side by side. */
  readonly period?: string;
  readonly onOpen: (figure: FigureName) => void;
}

/** One figure, or why there is none. Availability never stands without its coverage. */
export function KpiTile({ kpis, name, period, onOpen }: KpiTileProps) {
  const words = useMemoryStrings();
  const strings = useStrings();
  const { text, why } = getFigure(kpis, name, strings.duration);
  const { name: title, what } = words.figures[name];
  const isInsufficient = why === 'insufficient';
  return (
    <button
      type="button"
      className={styles.tile}
      data-kpi={name}
      data-why={why ?? undefined}
      title={what}
      onClick={() => onOpen(name)}
    >
      <span className={styles.name}>{title}</span>
      <b className={isInsufficient ? styles.insufficient : styles.value}>
        {isInsufficient ? words.insufficient : (text ?? '–')}
      </b>
      <span className={styles.note}>
        {period === undefined ? describeNote() : `${period} · ${describeNote()}`}
      </span>
      {name === 'availability' && kpis.coverage !== null && (
        <span className={styles.meter} aria-hidden="true">
          <i style={{ width: `${100 * kpis.coverage}%` }} />
        </span>
      )}
    </button>
  );

  function describeNote(): string {
    if (name === 'availability' && kpis.coverage !== null) {
      return words.coverage(formatCoverage(kpis.coverage));
    }
    if (why !== null) return words.whyNone[why];
    const length = (ms: number): string => formatDuration(ms / 1_000, strings.duration);
    if (name === 'stops') return words.report.ofStops(length(kpis.stop_ms));
    if (name === 'micro_stops') return words.report.ofStops(length(kpis.micro_stop_ms));
    if ((name === 'mtbf' || name === 'mttr') && kpis.failures !== null)
      return words.report.failures(kpis.failures);
    return what;
  }
}
