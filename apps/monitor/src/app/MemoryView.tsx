import { Suspense } from 'react';
import { useSession } from '@/lib/hooks/useSession';
import { useStrings } from '@/lib/i18n/useStrings';
import type { LineMemory } from '@/lib/memory/lineMemory';
import { usePlantZone } from '@/lib/memory/usePlantZone';
import type { View } from '@/lib/navigation/navigation';
import { lazyPanel } from '@/lib/panel/lazyPanel';
import type { LineSession } from '@/lib/session/lineSession';
import styles from './LineBoard.module.css';

/** Loaded when they are opened: a wall display shows the board and needs none of them. */
const ReportView = lazyPanel(async () => (await import('@/features/report/ReportView')).ReportView);
const AlarmsView = lazyPanel(async () => (await import('@/features/alarms/AlarmsView')).AlarmsView);
const MachineView = lazyPanel(
  async () => (await import('@/features/machine/MachineView')).MachineView,
);

interface MemoryViewProps {
  readonly view: Extract<View, 'report' | 'alarms' | 'machine'>;
  readonly session: LineSession;
  readonly memory: LineMemory;
}

/** Return whether `view` is one of the memory's, which look at a line and not at a moment. */
export function isMemoryView(view: View): view is MemoryViewProps['view'] {
  return view === 'report' || view === 'alarms' || view === 'machine';
}

/** The line's memory in place of its board; the header above stays. */
export function MemoryView({ view, session, memory }: MemoryViewProps) {
  const strings = useStrings();
  const lineId = useSession(session, (state) => state.line?.id ?? null);
  const loading = (
    <main className={styles.main}>
      <p className={styles.empty}>{strings.board.loading}</p>
    </main>
  );
  const timeZone = usePlantZone(view === 'report' ? null : lineId);
  if (lineId === null || (view !== 'report' && timeZone === null)) return loading;
  const zone = timeZone ?? '';
  return (
    <Suspense fallback={loading}>
      {view === 'report' && <ReportView lineId={lineId} />}
      {view === 'alarms' && (
        <Alarms session={session} lineId={lineId} timeZone={zone} onChange={memory.reload} />
      )}
      {view === 'machine' && (
        <MachineView key={zone} session={session} lineId={lineId} timeZone={zone} />
      )}
    </Suspense>
  );
}

interface AlarmsProps {
  readonly session: LineSession;
  readonly lineId: string;
  readonly timeZone: string;
  readonly onChange: () => void;
}

/** Durations of alarms count in steps of ten seconds: a table must not be drawn with every tick. */
function Alarms({ session, lineId, timeZone, onChange }: AlarmsProps) {
  const order = useSession(session, (state) => state.board.order);
  const machines = useSession(session, (state) => state.board.machines);
  const nowMs = useSession(session, (state) => Math.floor(state.nowS / 10) * 10_000);
  const named = order.map((code) => ({ code, name: machines.get(code)?.name ?? code }));
  return (
    <AlarmsView
      lineId={lineId}
      machines={named}
      nowMs={nowMs}
      timeZone={timeZone}
      onChange={onChange}
    />
  );
}
