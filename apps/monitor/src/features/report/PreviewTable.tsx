import { useMemoryStrings } from '@/lib/i18n/useMemoryStrings';
import { useStrings } from '@/lib/i18n/useStrings';
import { type FigureName, getFigure } from '@/lib/kpi/figures';
import type { KpiPreviewView, KpiRowView } from '@/lib/types/generated';
import controls from '@/lib/ui/controls.module.css';
import styles from './ReportView.module.css';

const COMPARED = [
  'availability',
  'strict_availability',
  'utilisation',
  'stops',
  'micro_stops',
] as const satisfies readonly FigureName[];

/** Figures as they are beside what they would have been, machine by machine. */
export function PreviewTable({ found }: { readonly found: KpiPreviewView }) {
  const words = useMemoryStrings();
  const { duration } = useStrings();
  const others = new Map(found.preview.map((row) => [row.code, row]));
  function textOf(row: KpiRowView | undefined, name: FigureName): string {
    if (row === undefined) return '–';
    const { text, why } = getFigure(row, name, duration);
    return text ?? (why === 'insufficient' ? words.insufficient : '–');
  }
  return (
    <div className={controls.scroll}>
      <table className={controls.table} data-table="preview">
        <caption className="visually-hidden">{words.preview.title}</caption>
        <thead>
          <tr>
            <th scope="col">{words.machine}</th>
            {COMPARED.map((name) => (
              <th key={name} scope="col" className={controls.number}>
                {words.figures[name].name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {found.current.map((row) => (
            <tr key={row.code} data-machine={row.code}>
              <th scope="row">{row.name}</th>
              {COMPARED.map((name) => {
                const [now, then] = [textOf(row, name), textOf(others.get(row.code), name)];
                return (
                  <td key={name} className={controls.number} data-kpi={name}>
                    {now === then ? (
                      <span className={controls.soft}>{now}</span>
                    ) : (
                      <span className={styles.moved}>
                        <span>{now}</span> → <b>{then}</b>
                      </span>
                    )}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
