import { useCallback } from 'react';
import { useSettings } from '@/lib/hooks/useSettings';
import { useTimelineStrings } from '@/lib/i18n/useTimelineStrings';
import { type LaneStatus } from '@/lib/timeline/model';
import { prepare, paintSwatch } from '@/lib/timeline/paint';
import { readPalette } from '@/lib/timeline/palette';
import styles from './Legend.module.css';

const ORDER = [
  'running',
  'idle',
  'stopped',
  'error',
  'disconnected',
  'unseen',
] as const satisfies readonly LaneStatus[];

interface LegendProps {
  /** Whether there is time that is not kept any more. */
  readonly hasDeleted: boolean;
}

/** What each height, pattern and colour stands for, drawn by the same hand as the lanes. */
export function Legend({ hasDeleted }: LegendProps) {
  const words = useTimelineStrings();
  return (
    <ul className={styles.legend} aria-label={words.legend}>
      {ORDER.map((status) => (
        <li key={status}>
          <Swatch kind={status} />
          {words.status[status]}
        </li>
      ))}
      {hasDeleted && (
        <li title={words.deletedText}>
          <Swatch kind="deleted" />
          {words.status.deleted}
        </li>
      )}
      <li>
        <Swatch kind="alarm" />
        {words.alarm}
      </li>
    </ul>
  );
}

const SIZE = { widthPx: 26, heightPx: 18 };

function Swatch({ kind }: { readonly kind: LaneStatus | 'alarm' }) {
  const [{ theme, palette }] = useSettings();
  const draw = useCallback(
    (canvas: HTMLCanvasElement | null) => {
      if (canvas === null) return;
      canvas.dataset.dress = `${theme} ${palette}`;
      const ratio = Math.min(3, window.devicePixelRatio);
      const surface = prepare(canvas, SIZE, ratio);
      if (surface !== null) paintSwatch(surface, readPalette(canvas, ratio), kind);
    },
    [kind, theme, palette],
  );
  return <canvas ref={draw} className={styles.swatch} aria-hidden="true" />;
}
