import { memo } from 'react';
import type { ChartLane } from '@/features/timeline/LaneChart';
import { getShownStatus } from '@/lib/board/getEquipmentColor';
import { getShownColor } from '@/lib/board/shown';
import { useSession } from '@/lib/hooks/useSession';
import { useTimelineStrings } from '@/lib/i18n/useTimelineStrings';
import type { LineSession } from '@/lib/session/lineSession';
import { getVisibleLanes, type LaneLayout } from '@/lib/timeline/laneLayout';
import { StatusIcon } from '@/lib/ui/StatusIcon';
import styles from './LaneChart.module.css';

interface LaneNamesProps {
  readonly session: LineSession;
  readonly lanes: readonly ChartLane[];
  readonly layout: LaneLayout;
  readonly widthPx: number;
  readonly scrollTopPx: number;
  readonly heightPx: number;
  readonly onTable: (code: string) => void;
}

/** Every name is there for those who read by ear; signs only where they can be seen. */
export const LaneNames = memo(function LaneNames(props: LaneNamesProps) {
  const { session, lanes, layout, widthPx, scrollTopPx, heightPx, onTable } = props;
  const { first, last } = getVisibleLanes(layout, scrollTopPx, heightPx);
  const heightOf = layout.isNarrow ? layout.barTopPx : layout.rowPx;
  return (
    <ul className={styles.names} style={{ width: widthPx }}>
      {lanes.map(({ code, name }, lane) => (
        <li key={code} style={{ top: lane * layout.rowPx, height: heightOf }}>
          <LaneName
            session={session}
            code={code}
            name={name}
            isSeen={lane >= first && lane <= last}
            onTable={onTable}
          />
        </li>
      ))}
    </ul>
  );
});

interface LaneNameProps {
  readonly session: LineSession;
  readonly code: string;
  readonly name: string;
  readonly isSeen: boolean;
  readonly onTable: (code: string) => void;
}

const LaneName = memo(function LaneName({ session, code, name, isSeen, onTable }: LaneNameProps) {
  const words = useTimelineStrings();
  const color = useSession(session, ({ board, lateCodes }) => {
    const machine = isSeen ? board.machines.get(code) : undefined;
    return machine === undefined ? null : getShownColor(machine, lateCodes.has(code));
  });
  return (
    <button
      type="button"
      className={styles.name}
      data-lane={code}
      data-color={color ?? undefined}
      aria-label={words.openTable(name)}
      title={name}
      onClick={() => onTable(code)}
    >
      {color !== null && (
        <StatusIcon status={getShownStatus(color)} className={styles.sign ?? ''} />
      )}
      <span>{name}</span>
    </button>
  );
});
