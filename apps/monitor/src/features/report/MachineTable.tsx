import { useStrings } from '@/lib/i18n/useStrings';
import { useMemoryStrings } from '@/lib/i18n/useMemoryStrings';
import type { OpenFigure } from '@/lib/intervals/IntervalDrawer';
import { dayOf } from '@/lib/kpi/days';
import { FIGURE_NAMES, getFigure, getUnseenMs } from '@/lib/kpi/figures';
import { formatCoverage } from '@/lib/kpi/percent';
import { formatDuration } from '@/lib/time/format';
import type { KpiRowView } from '@/lib/types/generated';
import controls from '@/lib/ui/controls.module.css';
import styles from './ReportView.module.css';

interface MachineTableProps {
  readonly rows: readonly KpiRowView[];
  readonly timeZone: string;
  readonly onOpen: (open: OpenFigure) => void;
  readonly onMachine: (code: string) => void;
}

/** Every machine's figures; each opens its intervals, and the name opens the machine's page. */
export function MachineTable({ rows, timeZone, onOpen, onMachine }: MachineTableProps) {
  const words = useMemoryStrings();
  return (
    <section className={controls.panel} aria-labelledby="machines-title">
      <h2 id="machines-title" className={controls.title}>
        {words.report.byMachine}
      </h2>
      <div className={controls.scroll}>
        <table className={`${controls.table} ${styles.machines}`} data-table="machines">
          <caption className="visually-hidden">{words.report.machines}</caption>
          <thead>
            <tr>
              <th scope="col">{words.machine}</th>
              {FIGURE_NAMES.map((name) => (
                <th
                  key={name}
                  scope="col"
                  className={controls.number}
                  title={words.figures[name].what}
                >
                  {words.figures[name].name}
                </th>
              ))}
              <th scope="col" className={controls.number}>
                {words.unseen}
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <MachineRow
                key={row.code}
                row={row}
                timeZone={timeZone}
                onOpen={onOpen}
                onMachine={onMachine}
              />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

interface MachineRowProps extends Omit<MachineTableProps, 'rows'> {
  readonly row: KpiRowView;
}

function MachineRow({ row, timeZone, onOpen, onMachine }: MachineRowProps) {
  const words = useMemoryStrings();
  const strings = useStrings();
  const { code } = row;
  if (code === null) return null;
  const unseenMs = getUnseenMs(row);
  return (
    <tr data-machine={code}>
      <th scope="row">
        <button type="button" className={controls.link} onClick={() => onMachine(code)}>
          {row.name}
        </button>
        {row.taken_out !== null && (
          <small>{words.report.takenOut(dayOf(Date.parse(row.taken_out), timeZone))}</small>
        )}
      </th>
      {FIGURE_NAMES.map((figure) => {
        const { text, why } = getFigure(row, figure, strings.duration);
        return (
          <td key={figure} className={controls.number} data-kpi={figure}>
            <button
              type="button"
              className={controls.link}
              title={why === null ? undefined : words.whyNone[why]}
              aria-label={why === null ? undefined : `– ${words.whyNone[why]}`}
              onClick={() => onOpen({ figure, code })}
            >
              {why === 'insufficient' ? words.insufficient : (text ?? '–')}
            </button>
            {figure === 'availability' && row.coverage !== null && (
              <small>{words.coverage(formatCoverage(row.coverage))}</small>
            )}
          </td>
        );
      })}
      <td className={controls.number}>
        <button
          type="button"
          className={controls.link}
          onClick={() => onOpen({ figure: 'unseen', code })}
        >
          {unseenMs === 0 ? '0' : formatDuration(unseenMs / 1_000, strings.duration)}
        </button>
      </td>
    </tr>
  );
}
