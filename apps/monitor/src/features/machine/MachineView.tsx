import { useCallback, useMemo, useState } from 'react';
import { MachineNow } from '@/features/machine/MachineNow';
import { Precursors } from '@/features/machine/Precursors';
import { TodayStrip } from '@/features/machine/TodayStrip';
import { AlarmTable } from '@/lib/alarms/AlarmTable';
import type { Machine } from '@/lib/board/board';
import { useSession } from '@/lib/hooks/useSession';
import { useMemoryStrings } from '@/lib/i18n/useMemoryStrings';
import { IntervalDrawer, type OpenFigure } from '@/lib/intervals/IntervalDrawer';
import { dayWindow } from '@/lib/kpi/days';
import { FIGURE_NAMES, type FigureName } from '@/lib/kpi/figures';
import { memoryRest, type Window } from '@/lib/memory/memoryRest';
import { useAnswer } from '@/lib/memory/useAnswer';
import { useToday } from '@/lib/memory/usePlantZone';
import { usePlace } from '@/lib/place/usePlace';
import type { LineSession } from '@/lib/session/lineSession';
import { StopsPanel } from '@/lib/stops/StopsPanel';
import { ZoneContext } from '@/lib/time/useZone';
import { createZone } from '@/lib/time/zone';
import type { KpiRowView } from '@/lib/types/generated';
import controls from '@/lib/ui/controls.module.css';
import { KpiTile } from '@/lib/ui/KpiTile';
import { Loaded } from '@/lib/ui/Loaded';
import styles from './MachineView.module.css';

interface MachineViewProps {
  readonly session: LineSession;
  readonly lineId: string;
  /** The plant's, by its IANA name; empty: the screen's own. */
  readonly timeZone: string;
}

const HOUR_MS = 3_600_000;
const MONTH_MS = 30 * 24 * HOUR_MS;
const ALARMS_SHOWN = 10;
/** MTBF and MTTR of one day are mostly unknown: they are those of the last thirty days. */
const OF_MONTH: ReadonlySet<FigureName> = new Set<FigureName>(['mtbf', 'mttr']);

/** One machine: today, its last alarms, how often and how long it fails, and what precedes that. */
export function MachineView(props: MachineViewProps) {
  const { session, timeZone } = props;
  const zone = useMemo(() => createZone(timeZone), [timeZone]);
  const words = useMemoryStrings();
  const [{ code }, go] = usePlace();
  const order = useSession(session, (state) => state.board.order);
  const machines = useSession(session, (state) => state.board.machines);
  const machine = code === null ? undefined : machines.get(code);
  return (
    <main className={styles.view} data-view="machine">
      <h2 className="visually-hidden">{words.machineView.title}</h2>
      <div className={styles.picker}>
        <label className={controls.field}>
          {words.machineView.choose}
          <select
            className={controls.input}
            value={machine === undefined ? '' : machine.code}
            onChange={(event) => go({ code: event.currentTarget.value || null })}
          >
            <option value="">–</option>
            {order.map((own) => (
              <option key={own} value={own}>
                {machines.get(own)?.name ?? own}
              </option>
            ))}
          </select>
        </label>
        {machine !== undefined && <MachineNow session={session} machine={machine} zone={zone} />}
      </div>
      {machine === undefined ? (
        code !== null && order.length > 0 && <p>{words.machineView.unknown}</p>
      ) : (
        <ZoneContext value={zone}>
          <Content key={machine.code} {...props} machine={machine} />
        </ZoneContext>
      )}
    </main>
  );
}

function Content({
  session,
  lineId,
  timeZone,
  machine,
}: MachineViewProps & { readonly machine: Machine }) {
  const words = useMemoryStrings();
  const { code } = machine;
  const nowMs = useSession(session, (state) => Math.floor(state.nowS / 60) * 60_000);
  // The server says which day goes on, with the night that belongs to it. A page that is left open
  // overnight goes over to the new day.
  const { view: day } = useToday(lineId);
  const clock = useMemo(() => dayWindow(nowMs, timeZone), [nowMs, timeZone]);
  const { from, to } = day === null ? clock : { from: day.begin, to: day.end };
  const today = useMemo(() => ({ from, to }), [from, to]);
  const month = useMemo(() => getMonth(Date.parse(to)), [to]);
  const [open, setOpen] = useState<{ readonly of: Window; readonly figure: FigureName } | null>(
    null,
  );
  const reasons = useAnswer(memoryRest.getReasons, HOUR_MS);
  const todayRow = useKpis(code, today);
  const monthRow = useKpis(code, month);
  const askAlarms = useCallback(
    (signal: AbortSignal) => memoryRest.getAlarms({ code, limit: ALARMS_SHOWN }, signal),
    [code],
  );
  const alarms = useAnswer(askAlarms);
  return (
    <>
      <section className={controls.panel} aria-labelledby="machine-today">
        <h3 id="machine-today" className={controls.title}>
          {words.machineView.today}
        </h3>
        <TodayStrip code={code} window={today} timeZone={timeZone} />
      </section>
      <section className={styles.tiles} aria-label={words.machineView.todayFigures}>
        {FIGURE_NAMES.map((name) => {
          const isMonth = OF_MONTH.has(name);
          const row = (isMonth ? monthRow : todayRow).view;
          if (row === null) return null;
          return (
            <KpiTile
              key={name}
              kpis={row}
              name={name}
              period={isMonth ? words.machineView.month : words.machineView.today}
              onOpen={(figure) => setOpen({ of: isMonth ? month : today, figure })}
            />
          );
        })}
        <Loaded answer={todayRow}>{() => null}</Loaded>
        <Loaded answer={monthRow}>{() => null}</Loaded>
      </section>
      <div className={styles.columns}>
        <section className={controls.panel} aria-labelledby="machine-alarms">
          <h3 id="machine-alarms" className={controls.title}>
            {words.machineView.lastAlarms}
          </h3>
          <Loaded answer={alarms}>
            {(view) => <AlarmTable alarms={view.alarms} nowMs={nowMs} timeZone={timeZone} />}
          </Loaded>
        </section>
        {monthRow.view !== null && (
          <Precursors code={code} window={month} total={monthRow.view.failures} />
        )}
      </div>
      <StopsPanel
        line={lineId}
        code={code}
        window={today}
        timeZone={timeZone}
        reasons={reasons.view ?? []}
        onChange={todayRow.reload}
      />
      {open !== null && todayRow.view !== null && (
        <IntervalDrawer
          open={{ figure: open.figure, code }}
          line={null}
          machines={[todayRow.view]}
          window={open.of}
          timeZone={timeZone}
          reasons={reasons.view ?? []}
          onOpen={({ figure }: OpenFigure) =>
            figure !== 'unseen' && setOpen({ of: open.of, figure })
          }
          onMachine={null}
          onClose={() => setOpen(null)}
        />
      )}
    </>
  );
}

/** One machine's figures of a window that may still be going on. */
function useKpis(code: string, { from, to }: Window) {
  const ask = useCallback(
    async (signal: AbortSignal): Promise<KpiRowView | null> => {
      const query = { code, from, to, by: 'equipment', grain: 'whole' };
      return (await memoryRest.getKpis(query, signal)).rows[0] ?? null;
    },
    [code, from, to],
  );
  return useAnswer(ask);
}

function getMonth(endMs: number): Window {
  return { from: new Date(endMs - MONTH_MS).toISOString(), to: new Date(endMs).toISOString() };
}
