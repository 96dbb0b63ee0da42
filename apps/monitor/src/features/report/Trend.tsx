import { useId, useState } from 'react';
import { useSettings } from '@/lib/hooks/useSettings';
import { useMemoryStrings } from '@/lib/i18n/useMemoryStrings';
import { useStrings } from '@/lib/i18n/useStrings';
import { dayOf, formatDay } from '@/lib/kpi/days';
import { type Figure, getFigure } from '@/lib/kpi/figures';
import { formatCoverage, roundPercent } from '@/lib/kpi/percent';
import type { KpiRowView } from '@/lib/types/generated';
import controls from '@/lib/ui/controls.module.css';
import styles from './Charts.module.css';

interface TrendProps {
  readonly rows: readonly KpiRowView[];
  readonly day: string;
  readonly timeZone: string;
  readonly onDay: (day: string) => void;
}

const WIDTH = 560;
const HEIGHT = 190;
const LEFT = 38;
const BOTTOM = 20;
const TOP = 14;

interface Point {
  readonly day: string;
  readonly row: KpiRowView;
  readonly figure: Figure;
}

/** Fourteen days of availability. What cannot be believed is hatched, and what is not there is not drawn. */
export function Trend({ rows, day, timeZone, onDay }: TrendProps) {
  const words = useMemoryStrings();
  const strings = useStrings();
  const [{ language }] = useSettings();
  const [isTable, setTable] = useState(false);
  const points = rows.map((row) => ({
    day: dayOf(Date.parse(row.begin), timeZone),
    row,
    figure: getFigure(row, 'availability', strings.duration),
  }));
  const describe = ({ text, why }: Figure): string =>
    why === 'insufficient' ? words.insufficient : (text ?? '–');
  return (
    <section className={controls.panel} aria-labelledby="trend-title" data-chart="trend">
      <h2 id="trend-title" className={controls.title}>
        {words.report.trend} <small>{words.report.trendHelp}</small>
        <button
          type="button"
          className={`${controls.button} ${controls.small} ${styles.toggle}`}
          aria-pressed={isTable}
          onClick={() => setTable(!isTable)}
        >
          {words.report.asTable}
        </button>
      </h2>
      {!isTable && <TrendChart points={points} day={day} />}
      <div className={isTable ? controls.scroll : 'visually-hidden'}>
        <table className={styles.table}>
          <caption className="visually-hidden">{words.report.trend}</caption>
          <thead>
            <tr>
              <th scope="col">{words.report.day}</th>
              <th scope="col">{words.figures.availability.name}</th>
              <th scope="col">{words.coverage('').trim()}</th>
              <th scope="col">{words.figures.stops.name}</th>
              <th scope="col">{words.figures.micro_stops.name}</th>
            </tr>
          </thead>
          <tbody>
            {points.map(({ day: own, row, figure }) => (
              <tr key={own}>
                <th scope="row">
                  <button
                    type="button"
                    className={controls.link}
                    tabIndex={isTable ? 0 : -1}
                    onClick={() => onDay(own)}
                  >
                    {formatDay(own, language)}
                  </button>
                </th>
                <td>{describe(figure)}</td>
                <td>{row.coverage === null ? '–' : formatCoverage(row.coverage)}</td>
                <td>{row.stops}</td>
                <td>{row.micro_stops}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

/** Drawn for the eye only: the table says the same. */
function TrendChart({ points, day }: { readonly points: readonly Point[]; readonly day: string }) {
  const patternId = useId();
  const step = (WIDTH - LEFT) / Math.max(1, points.length);
  const y = (share: number): number => TOP + (HEIGHT - TOP - BOTTOM) * (1 - share);
  return (
    <svg className={styles.chart} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
      <defs>
        <pattern
          id={patternId}
          width="6"
          height="6"
          patternUnits="userSpaceOnUse"
          patternTransform="rotate(-45)"
        >
          <rect width="2" height="6" className={styles.hatch} />
        </pattern>
      </defs>
      {[0, 0.25, 0.5, 0.75, 1].map((share) => (
        <g key={share}>
          <line x1={LEFT} x2={WIDTH} y1={y(share)} y2={y(share)} className={styles.grid} />
          <text x={LEFT - 6} y={y(share) + 3.5} className={styles.axis} textAnchor="end">
            {share * 100} %
          </text>
        </g>
      ))}
      {points.map(({ day: own, row, figure }, index) => {
        const x = LEFT + step * (index + 0.16);
        const width = step * 0.68;
        const share = row.availability;
        const isBelieved = figure.text !== null;
        return (
          <g key={own}>
            {share !== null && (
              <rect
                x={x}
                width={width}
                y={y(share)}
                height={y(0) - y(share)}
                className={isBelieved ? styles.trendBar : styles.doubtful}
                data-current={own === day || undefined}
                {...(isBelieved ? {} : { style: { fill: `url(#${patternId})` } })}
              />
            )}
            {isBelieved && share !== null && (
              <text x={x + width / 2} y={y(share) - 4} className={styles.label} textAnchor="middle">
                {roundPercent(share)}
              </text>
            )}
            <text
              x={x + width / 2}
              y={HEIGHT - 5}
              className={styles.axis}
              data-current={own === day || undefined}
              textAnchor="middle"
            >
              {Number(own.slice(8))}
            </text>
          </g>
        );
      })}
    </svg>
  );
}
