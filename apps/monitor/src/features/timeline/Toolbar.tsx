import { useSyncExternalStore } from 'react';
import type { Cursor } from '@/features/timeline/LaneChart';
import { useSettings } from '@/lib/hooks/useSettings';
import { useTimelineStrings } from '@/lib/i18n/useTimelineStrings';
import { formatZoneDay, formatZoneMinute, type Zone } from '@/lib/time/zone';
import { PRESET_NAMES, PRESETS } from '@/lib/timeline/viewport';
import type { ViewportStore } from '@/lib/timeline/viewportStore';
import styles from './Toolbar.module.css';

interface ToolbarProps {
  readonly viewport: ViewportStore;
  readonly zone: Zone;
  readonly cursor: Cursor;
}

const ZOOM_STEP = 0.6;
const PAN_STEP = 0.5;

/** How much is seen, and of when. */
export function Toolbar({ viewport, zone, cursor }: ToolbarProps) {
  const words = useTimelineStrings();
  const [{ language }] = useSettings();
  // In words that change with the minute: a drag does not render the bar sixty times a second.
  const title = useSyncExternalStore(viewport.subscribe, () => {
    const { startMs, endMs } = viewport.get();
    const from = `${formatZoneDay(zone, startMs, language)} ${formatZoneMinute(zone, startMs)}`;
    const toDay = formatZoneDay(zone, endMs, language);
    const to = formatZoneMinute(zone, endMs);
    return toDay === formatZoneDay(zone, startMs, language)
      ? `${from} – ${to}`
      : `${from} – ${toDay} ${to}`;
  });
  const spanMs = useSyncExternalStore(viewport.subscribe, () => {
    const { startMs, endMs } = viewport.get();
    return Math.round(endMs - startMs);
  });
  const isNow = useSyncExternalStore(viewport.subscribe, () => viewport.isFollowing);
  const pan = (direction: number): void => {
    const { startMs, endMs } = viewport.get();
    viewport.pan(direction * PAN_STEP * (endMs - startMs));
  };
  return (
    <div className={styles.toolbar}>
      <div className={styles.segments} role="group" aria-label={words.span}>
        {PRESET_NAMES.map((name) => (
          <button
            key={name}
            type="button"
            aria-pressed={spanMs === PRESETS[name]}
            onClick={() => viewport.showSpan(PRESETS[name], cursor.getMs())}
          >
            {words.preset[name]}
          </button>
        ))}
      </div>
      <div className={`${styles.group} ${styles.zoom}`}>
        <ToolButton
          label={words.zoomOut}
          path="M5 12h14"
          onPress={() => viewport.zoom(1 / ZOOM_STEP)}
        />
        <ToolButton
          label={words.zoomIn}
          path="M5 12h14M12 5v14"
          onPress={() => viewport.zoom(ZOOM_STEP)}
        />
      </div>
      <div className={styles.group}>
        <ToolButton label={words.earlier} path="M15 5l-7 7 7 7" onPress={() => pan(-1)} />
        <ToolButton label={words.later} path="M9 5l7 7-7 7" onPress={() => pan(1)} />
        <button
          type="button"
          className={styles.now}
          aria-pressed={isNow}
          onClick={viewport.showNow}
        >
          {words.now}
        </button>
      </div>
      <p className={styles.title}>
        <b>{title}</b>
        <span>{zone.name === null ? words.screenClock : words.clock(zone.name)}</span>
      </p>
    </div>
  );
}

interface ToolButtonProps {
  readonly label: string;
  readonly path: string;
  readonly onPress: () => void;
}

function ToolButton({ label, path, onPress }: ToolButtonProps) {
  return (
    <button type="button" aria-label={label} title={label} onClick={onPress}>
      <svg viewBox="0 0 24 24" aria-hidden="true">
        <path d={path} />
      </svg>
    </button>
  );
}
