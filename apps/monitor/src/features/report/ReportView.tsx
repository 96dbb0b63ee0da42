import { useCallback, useState } from 'react';
import { DayPicker } from '@/features/report/DayPicker';
import { KpiTiles } from '@/features/report/KpiTiles';
import { MachineTable } from '@/features/report/MachineTable';
import { Pareto } from '@/features/report/Pareto';
import { PlannedDowntimes } from '@/features/report/PlannedDowntimes';
import { PreviewPanel } from '@/features/report/PreviewPanel';
import { PrintHead } from '@/features/report/PrintHead';
import { TopAlarms } from '@/features/report/TopAlarms';
import { Trend } from '@/features/report/Trend';
import { UnseenTime } from '@/features/report/UnseenTime';
import { useMemoryStrings } from '@/lib/i18n/useMemoryStrings';
import { IntervalDrawer, type OpenFigure } from '@/lib/intervals/IntervalDrawer';
import { memoryRest } from '@/lib/memory/memoryRest';
import { useAnswer } from '@/lib/memory/useAnswer';
import { ALL_SHIFTS } from '@/lib/place/place';
import { usePlace } from '@/lib/place/usePlace';
import { StopsPanel } from '@/lib/stops/StopsPanel';
import type { DowntimeReasonView, ReportView as Report } from '@/lib/types/generated';
import { KeptFrom } from '@/lib/ui/KeptFrom';
import { Loaded } from '@/lib/ui/Loaded';
import styles from './ReportView.module.css';

const HOUR_MS = 3_600_000;

/** How a shift or a day was on one line: figures, causes, and what nobody saw. Prints on A4. */
export function ReportView({ lineId }: { readonly lineId: string }) {
  const words = useMemoryStrings();
  const [{ day, shift }, go] = usePlace();
  const ask = useCallback(
    (signal: AbortSignal) => memoryRest.getReport(lineId, day, shift, signal),
    [lineId, day, shift],
  );
  const report = useAnswer(ask);
  const reasons = useAnswer(memoryRest.getReasons, HOUR_MS);
  return (
    <main className={styles.view} data-view="report">
      <h2 className="visually-hidden">{words.report.title}</h2>
      <DayPicker
        lineId={lineId}
        day={day ?? report.view?.day ?? null}
        isToday={day === null}
        shift={shift}
        view={report.view}
        onGo={go}
      />
      <Loaded answer={report}>
        {(view) => (
          <Content
            view={view}
            reasons={reasons.view ?? []}
            onMachine={(code) => go({ view: 'machine', code })}
            onDay={(chosen) => go({ day: chosen, shift: ALL_SHIFTS })}
            onChange={report.reload}
          />
        )}
      </Loaded>
    </main>
  );
}

interface ContentProps {
  readonly view: Report;
  readonly reasons: readonly DowntimeReasonView[];
  readonly onMachine: (code: string) => void;
  readonly onDay: (day: string) => void;
  readonly onChange: () => void;
}

function Content({ view, reasons, onMachine, onDay, onChange }: ContentProps) {
  const words = useMemoryStrings();
  const [open, setOpen] = useState<OpenFigure | null>(null);
  const window = { from: view.begin, to: view.end };
  const { time_zone: timeZone } = view;
  return (
    <>
      <PrintHead view={view} />
      <KeptFrom keptFrom={view.kept_from} timeZone={timeZone} />
      <KpiTiles kpis={view.kpis} onOpen={(figure) => setOpen({ figure, code: null })} />
      <UnseenTime kpis={view.kpis} onOpen={() => setOpen({ figure: 'unseen', code: null })} />
      <div className={styles.charts}>
        <Pareto
          id="pareto-reason"
          title={words.report.paretoByReason}
          rows={view.pareto_by_reason}
          isWhole={view.kept_from === null}
        />
        <Pareto
          id="pareto-machine"
          title={words.report.paretoByMachine}
          rows={view.pareto_by_machine}
          isWhole={view.kept_from === null}
          onOpen={(code) => setOpen({ figure: 'stops', code })}
        />
        <Trend rows={view.trend} day={view.day} timeZone={timeZone} onDay={onDay} />
        <TopAlarms alarms={view.alarms} machines={view.machines} />
      </div>
      <MachineTable
        rows={view.machines}
        timeZone={view.time_zone}
        onOpen={setOpen}
        onMachine={onMachine}
      />
      <StopsPanel
        line={view.line_id}
        code={null}
        window={window}
        timeZone={timeZone}
        reasons={reasons}
        onChange={onChange}
      />
      <PlannedDowntimes view={view} onChange={onChange} />
      <PreviewPanel key={view.line_id} view={view} onChange={onChange} />
      {open !== null && (
        <IntervalDrawer
          open={open}
          line={view.line_id}
          machines={view.machines}
          window={window}
          timeZone={timeZone}
          reasons={reasons}
          onOpen={setOpen}
          onMachine={onMachine}
          onClose={() => setOpen(null)}
        />
      )}
    </>
  );
}
