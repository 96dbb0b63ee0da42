import { useId, useMemo } from 'react';
import { useSettings } from '@/lib/hooks/useSettings';
import { useMemoryStrings } from '@/lib/i18n/useMemoryStrings';
import { useStrings } from '@/lib/i18n/useStrings';
import { formatPercent } from '@/lib/kpi/percent';
import { buildPareto, type ParetoBar } from '@/lib/kpi/pareto';
import { formatDuration } from '@/lib/time/format';
import type { ParetoRowView } from '@/lib/types/generated';
import controls from '@/lib/ui/controls.module.css';
import styles from './Charts.module.css';

interface ParetoProps {
  readonly id: string;
  readonly title: string;
  readonly rows: readonly ParetoRowView[];
  /** False: stops of the window were deleted, so that no rows does not mean no stops. */
  readonly isWhole: boolean;
  /** Opens what is behind a bar; left out where nothing can be opened. */
  readonly onOpen?: (code: string) => void;
}

const BARS_MAX = 8;

/** The few causes of most of the downtime: bars and their running total, and the same as a table. */
export function Pareto({ id, title, rows, isWhole, onOpen }: ParetoProps) {
  const words = useMemoryStrings();
  const strings = useStrings();
  const [{ language }] = useSettings();
  const bars = useMemo(
    () =>
      buildPareto(rows, BARS_MAX, {
        unexplained: words.report.unexplained,
        others: words.report.others,
        isEnglish: language === 'en',
      }),
    [rows, words, language],
  );
  const length = (ms: number): string => formatDuration(ms / 1_000, strings.duration);
  return (
    <section className={controls.panel} aria-labelledby={id} data-chart={id}>
      <h2 id={id} className={controls.title}>
        {title}
      </h2>
      {bars.length === 0 ? (
        <p className={controls.soft}>
          {isWhole ? words.report.noDowntime : words.report.downtimeGone}
        </p>
      ) : (
        <div className={styles.pareto}>
          <Bars bars={bars} />
          <table className={styles.table}>
            <caption className="visually-hidden">{title}</caption>
            <thead>
              <tr>
                <th scope="col">
                  <span className="visually-hidden">{title}</span>
                </th>
                <th scope="col">{words.report.downtime}</th>
                <th scope="col">{words.report.count}</th>
                <th scope="col">{words.report.share}</th>
                <th scope="col">{words.report.cumulative}</th>
              </tr>
            </thead>
            <tbody>
              {bars.map((bar, index) => (
                <tr key={bar.key} data-unexplained={bar.key === '·unexplained' || undefined}>
                  <th scope="row">
                    <span className={styles.rank}>{index + 1}</span>
                    {onOpen !== undefined && bar.code !== null ? (
                      <OpenButton code={bar.code} name={bar.name} onOpen={onOpen} />
                    ) : (
                      bar.name
                    )}
                  </th>
                  <td>{length(bar.downMs)}</td>
                  <td>{bar.count}</td>
                  <td>{formatPercent(bar.share)}</td>
                  <td>{formatPercent(bar.cumulative)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

interface OpenButtonProps {
  readonly code: string;
  readonly name: string;
  readonly onOpen: (code: string) => void;
}

function OpenButton({ code, name, onOpen }: OpenButtonProps) {
  return (
    <button type="button" className={controls.link} onClick={() => onOpen(code)}>
      {name}
    </button>
  );
}

const WIDTH = 320;
const HEIGHT = 190;
const LEFT = 34;
const BOTTOM = 18;
const TOP = 8;

/** Drawn for the eye only: the table beside it says the same. */
function Bars({ bars }: { readonly bars: readonly ParetoBar[] }) {
  const patternId = useId();
  const step = (WIDTH - LEFT) / bars.length;
  const barWidth = Math.min(34, step * 0.66);
  const y = (share: number): number => TOP + (HEIGHT - TOP - BOTTOM) * (1 - share);
  const x = (index: number): number => LEFT + step * (index + 0.5);
  const line = bars.map((bar, index) => `${x(index)},${y(bar.cumulative)}`).join(' ');
  return (
    <svg className={styles.chart} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
      <defs>
        <pattern
          id={patternId}
          width="5"
          height="5"
          patternUnits="userSpaceOnUse"
          patternTransform="rotate(-45)"
        >
          <rect width="5" height="5" className={styles.paper} />
          <rect width="2.4" height="5" className={styles.hatch} />
        </pattern>
      </defs>
      {[0, 0.25, 0.5, 0.75, 1].map((share) => (
        <g key={share}>
          <line x1={LEFT} x2={WIDTH} y1={y(share)} y2={y(share)} className={styles.grid} />
          <text x={LEFT - 5} y={y(share) + 3.5} className={styles.axis} textAnchor="end">
            {share * 100} %
          </text>
        </g>
      ))}
      {bars.map((bar, index) => (
        <g key={bar.key}>
          <rect
            x={x(index) - barWidth / 2}
            width={barWidth}
            y={y(bar.share)}
            height={y(0) - y(bar.share)}
            className={styles.paretoBar}
            {...(bar.key === '·unexplained' ? { style: { fill: `url(#${patternId})` } } : {})}
          />
          <text x={x(index)} y={HEIGHT - 4} className={styles.axis} textAnchor="middle">
            {index + 1}
          </text>
        </g>
      ))}
      <polyline points={line} className={styles.cumulative} />
      {bars.map((bar, index) => (
        <circle key={bar.key} cx={x(index)} cy={y(bar.cumulative)} r="2.6" className={styles.dot} />
      ))}
    </svg>
  );
}
