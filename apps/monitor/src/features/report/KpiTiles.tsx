import { FIGURE_NAMES, type FigureName } from '@/lib/kpi/figures';
import { useMemoryStrings } from '@/lib/i18n/useMemoryStrings';
import type { KpisView } from '@/lib/types/generated';
import { KpiTile } from '@/lib/ui/KpiTile';
import styles from './ReportView.module.css';

interface KpiTilesProps {
  readonly kpis: KpisView;
  readonly onOpen: (figure: FigureName) => void;
}

/** The line's key figures; each opens what it was computed from. */
export function KpiTiles({ kpis, onOpen }: KpiTilesProps) {
  const words = useMemoryStrings();
  return (
    <section className={styles.tiles} aria-label={words.report.figures}>
      {FIGURE_NAMES.map((name) => (
        <KpiTile key={name} kpis={kpis} name={name} onOpen={onOpen} />
      ))}
    </section>
  );
}
