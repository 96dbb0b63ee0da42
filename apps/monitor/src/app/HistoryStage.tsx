import {
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
} from 'react';
import { EquipmentGrid } from '@/features/board/EquipmentGrid';
import { FloorPlan } from '@/features/board/FloorPlan';
import { MomentDetail } from '@/features/time-machine/MomentDetail';
import { PastFrame } from '@/features/time-machine/PastFrame';
import { TimeDock } from '@/features/time-machine/TimeDock';
import { useIdleReturn } from '@/features/time-machine/useIdleReturn';
import { TimelineView } from '@/features/timeline/TimelineView';
import { useSession } from '@/lib/hooks/useSession';
import { useSettings } from '@/lib/hooks/useSettings';
import { useTimelineStrings } from '@/lib/i18n/useTimelineStrings';
import type { Route } from '@/lib/navigation/navigation';
import type { Navigate } from '@/lib/navigation/useRoute';
import type { LineSession } from '@/lib/session/lineSession';
import { ZoneContext } from '@/lib/time/useZone';
import { createZone, formatZoneMoment, type Zone } from '@/lib/time/zone';
import { askBoardAt, createAsk } from '@/lib/timeline/askTimeline';
import { TimeMachine } from '@/lib/timeline/timeMachine';
import { TimelineStore } from '@/lib/timeline/timelineStore';
import { PRESETS } from '@/lib/timeline/viewport';
import { ViewportStore } from '@/lib/timeline/viewportStore';
import styles from './LineBoard.module.css';

interface HistoryStageProps {
  readonly live: LineSession;
  readonly lineId: string;
  readonly route: Route;
  readonly navigate: Navigate;
  /** The machines that the filter lets through; null: all. */
  readonly filterCodes: (session: LineSession) => readonly string[] | null;
  /** The header shows the counts of whatever is shown below it. */
  readonly onShown: (session: LineSession | null) => void;
}

/** What is younger may not have been recorded yet, so it is not the past. */
const PRESENT_MS = 10_000;
/** How long the address waits for a hand that drags. */
const ADDRESS_DELAY_MS = 300;

/** All that looks back: the timeline, and the board of a moment. Loaded when it is first asked for. */
export function HistoryStage(props: HistoryStageProps) {
  const { live, lineId, route, navigate, onShown } = props;
  const [store] = useState(() => new TimelineStore(createAsk(lineId)));
  const [viewport] = useState(() => {
    const nowMs = live.getState().nowS * 1_000;
    const created = new ViewportStore(PRESETS['8h'], nowMs);
    if (route.atMs !== null) created.reveal(route.atMs);
    return created;
  });
  useEffect(() => {
    store.start();
    return () => store.stop();
  }, [store]);
  const zoneName = useSyncExternalStore(store.subscribe, () => store.getState().timeZone);
  const zone = useMemo(() => createZone(zoneName), [zoneName]);
  const isZoneKnown = useSyncExternalStore(store.subscribe, () => store.getState().version > 0);
  const machine = useTimeMachine(props, store);
  const isPast = route.atMs !== null;
  const seek = useCallback(
    (atMs: number) => {
      if (isPast) machine.seek(atMs);
      else navigate({ atMs: Math.min(atMs, live.getState().nowS * 1_000 - PRESENT_MS) });
    },
    [machine, isPast, navigate, live],
  );
  const cursor = useMemo(
    () => ({
      subscribe: machine.subscribe,
      getMs: () => (isPast ? machine.getState().playback.atMs : null),
    }),
    [machine, isPast],
  );
  const shown = isPast ? machine.past : null;
  useEffect(() => {
    onShown(shown);
    return () => onShown(null);
  }, [onShown, shown]);
  const dock = isPast && (
    <TimeDock
      machine={machine}
      live={live}
      store={store}
      viewport={viewport}
      zone={zone}
      hasScrubber={route.view !== 'timeline'}
    />
  );
  return (
    <>
      {isPast && <Past {...props} machine={machine} zone={zone} isZoneKnown={isZoneKnown} />}
      {route.view === 'timeline' ? (
        <main className={styles.body}>
          <TimelineView
            session={shown ?? live}
            live={live}
            store={store}
            viewport={viewport}
            zone={zone}
            cursor={cursor}
            onMoment={seek}
          />
        </main>
      ) : (
        isPast && <PastBoard {...props} machine={machine} zone={zone} />
      )}
      {dock}
    </>
  );
}

/** Own a time machine, let it run while the address has a moment, and keep both the same. */
function useTimeMachine(
  { live, lineId, route: { atMs }, navigate }: HistoryStageProps,
  store: TimelineStore,
): TimeMachine {
  const [machine] = useState(() => {
    const getLatestMs = (): number => live.getState().nowS * 1_000 - PRESENT_MS;
    return new TimeMachine(
      { live, store, askBoardAt: (at, signal) => askBoardAt(lineId, at, signal), getLatestMs },
      atMs ?? getLatestMs(),
    );
  });
  const isPast = atMs !== null;
  const writtenMs = useRef<number | null>(null);
  // Before anything is painted: a moment that was left long ago is never seen again.
  useLayoutEffect(() => {
    if (!isPast) return;
    machine.start();
    return () => machine.stop();
  }, [machine, isPast]);
  useLayoutEffect(() => {
    // Back, Forward, or a link: whoever else changes the address, the machine goes there.
    const isOwn = atMs === writtenMs.current;
    writtenMs.current = atMs;
    if (atMs !== null && !isOwn) machine.seek(atMs);
  }, [machine, atMs]);
  useEffect(() => {
    if (!isPast) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const unsubscribe = machine.subscribe(() => {
      const { playback } = machine.getState();
      if (playback.playedMs !== null || playback.atMs === writtenMs.current) return;
      clearTimeout(timer);
      timer = setTimeout(() => {
        writtenMs.current = playback.atMs;
        navigate({ atMs: playback.atMs }, 'replace');
      }, ADDRESS_DELAY_MS);
    });
    return () => {
      unsubscribe();
      clearTimeout(timer);
    };
  }, [machine, isPast, navigate]);
  return machine;
}

interface PastProps extends HistoryStageProps {
  readonly machine: TimeMachine;
  readonly zone: Zone;
  /** The server has said by whose clock: what is told once must not be told by another one. */
  readonly isZoneKnown: boolean;
}

/** What is around every view of the past, and the ways out of it. */
function Past({ machine, live, zone, isZoneKnown, navigate }: PastProps) {
  const words = useTimelineStrings();
  const [{ isWall }] = useSettings();
  const leave = useCallback(() => navigate({ atMs: null }), [navigate]);
  useIdleReturn(isWall, machine, leave);
  useEffect(() => {
    const stopped = new AbortController();
    const onKey = (event: KeyboardEvent): void => {
      if (event.key !== 'Escape' || document.querySelector('dialog[open]') !== null) return;
      if (document.querySelector(':popover-open') !== null) return;
      // One press leaves the past; wall mode is left by the next.
      event.stopImmediatePropagation();
      event.preventDefault();
      leave();
    };
    window.addEventListener('keydown', onKey, { signal: stopped.signal, capture: true });
    return () => stopped.abort();
  }, [leave]);
  const [enteredMs] = useState(() => machine.getState().playback.atMs);
  return (
    <>
      <PastFrame machine={machine} live={live} zone={zone} onLive={leave} />
      <p role="status" className="visually-hidden">
        {isZoneKnown && words.entered(formatZoneMoment(zone, enteredMs))}
      </p>
    </>
  );
}

function PastBoard({ machine, zone, filterCodes }: Omit<PastProps, 'isZoneKnown'>) {
  const [settings] = useSettings();
  const [openCode, setOpenCode] = useState<string | null>(null);
  const order = useSession(machine.past, (state) => state.board.order);
  const joined = useSession(machine.past, () => filterCodes(machine.past)?.join('\n') ?? null);
  const codes = useMemo(() => {
    if (joined === null) return order;
    return joined === '' ? [] : joined.split('\n');
  }, [order, joined]);
  const Arrangement = settings.view === 'plan' ? FloorPlan : EquipmentGrid;
  return (
    <main className={styles.body}>
      <div className={styles.main}>
        <div className={styles.stage}>
          <ZoneContext value={zone}>
            <Arrangement
              session={machine.past}
              codes={codes}
              hasSummary={false}
              onOpen={setOpenCode}
            />
          </ZoneContext>
        </div>
      </div>
      {openCode !== null && (
        <MomentDetail
          machine={machine}
          code={openCode}
          zone={zone}
          onClose={() => setOpenCode(null)}
        />
      )}
    </main>
  );
}
