import { useCallback, useEffect, useMemo, useState, useSyncExternalStore } from 'react';
import { type Cursor, LaneChart } from '@/features/timeline/LaneChart';
import { LaneTable } from '@/features/timeline/LaneTable';
import { Legend } from '@/features/timeline/Legend';
import { Toolbar } from '@/features/timeline/Toolbar';
import { useSession } from '@/lib/hooks/useSession';
import { useTimelineStrings } from '@/lib/i18n/useTimelineStrings';
import type { LineSession } from '@/lib/session/lineSession';
import type { Zone } from '@/lib/time/zone';
import { chooseLevel } from '@/lib/timeline/tiles';
import type { TimelineStore } from '@/lib/timeline/timelineStore';
import type { ViewportStore } from '@/lib/timeline/viewportStore';
import styles from './TimelineView.module.css';

interface TimelineViewProps {
  /** The present, or the moment of the past that is looked at. */
  readonly session: LineSession;
  readonly live: LineSession;
  readonly store: TimelineStore;
  readonly viewport: ViewportStore;
  readonly zone: Zone;
  readonly cursor: Cursor;
  readonly onMoment: (atMs: number) => void;
}

/** What every machine of the line did, from the last minute to the last month. */
export function TimelineView(props: TimelineViewProps) {
  const { session, live, store, viewport, zone, cursor, onMoment } = props;
  const words = useTimelineStrings();
  const known = useSyncExternalStore(store.subscribe, store.getState);
  const order = useSession(live, (state) => state.board.order);
  const [openCode, setOpenCode] = useState<string | null>(null);
  const getNowMs = useCallback(() => live.getState().nowS * 1_000, [live]);
  useFollow(live, store, viewport);
  const lanes = useLanes(live, order, known.lanes);
  const open = lanes.find(({ code }) => code === openCode);
  return (
    <section className={styles.view} aria-label={words.title}>
      <div className={styles.bar}>
        <Toolbar viewport={viewport} zone={zone} cursor={cursor} />
        <Legend hasDeleted={known.hasDeleted} />
      </div>
      <div className={styles.stage}>
        <p className={styles.notice} role="status" data-notice="">
          {known.hasFailed ? words.failed : known.version === 0 ? words.loading : ''}
        </p>
        <LaneChart
          session={session}
          store={store}
          viewport={viewport}
          lanes={lanes}
          zone={zone}
          cursor={cursor}
          getNowMs={getNowMs}
          onMoment={onMoment}
          onTable={setOpenCode}
        />
      </div>
      {open !== undefined && (
        <OpenTable
          {...props}
          code={open.code}
          name={open.name}
          nowMs={getNowMs()}
          onMoment={(atMs) => {
            setOpenCode(null);
            onMoment(atMs);
          }}
          onClose={() => setOpenCode(null)}
        />
      )}
    </section>
  );
}

interface OpenTableProps extends TimelineViewProps {
  readonly code: string;
  readonly name: string;
  readonly nowMs: number;
  readonly onClose: () => void;
}

/** The lane as it is in the window at this moment; it does not change under the reader's eyes. */
function OpenTable({
  store,
  viewport,
  zone,
  code,
  name,
  nowMs,
  onMoment,
  onClose,
}: OpenTableProps) {
  const [{ intervals, resolutionMs }] = useState(() => {
    const { startMs, endMs } = viewport.get();
    const level = chooseLevel((endMs - startMs) / Math.max(1, window.innerWidth));
    return {
      intervals: store.getIntervals(level, code, startMs, endMs),
      resolutionMs: level.resolutionMs,
    };
  });
  return (
    <LaneTable
      name={name}
      intervals={intervals}
      resolutionMs={resolutionMs}
      zone={zone}
      nowMs={nowMs}
      onMoment={onMoment}
      onClose={onClose}
    />
  );
}

/** Move the window along with the present, second by second. */
function useFollow(live: LineSession, store: TimelineStore, viewport: ViewportStore): void {
  useEffect(() => {
    const look = (): void => {
      viewport.look(live.getState().nowS * 1_000, store.getState().knownFromMs);
    };
    look();
    const stops = [live.subscribe(look), store.subscribe(look)];
    return () => {
      for (const stop of stops) stop();
    };
  }, [live, store, viewport]);
}

/** The machines of today in today's order, then those that only the past knows. */
function useLanes(
  live: LineSession,
  order: readonly string[],
  known: ReturnType<TimelineStore['getState']>['lanes'],
) {
  return useMemo(() => {
    const { machines } = live.getState().board;
    const names = new Map(known.map(({ code, name }) => [code, name]));
    const gone = known.filter(({ code }) => !order.includes(code));
    return [
      ...order.map((code) => ({
        code,
        name: machines.get(code)?.name ?? names.get(code) ?? code,
      })),
      ...gone.map(({ code, name }) => ({ code, name })),
    ];
  }, [live, order, known]);
}
