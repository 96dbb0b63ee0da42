import { useSettings } from '@/lib/hooks/useSettings';
import { useMemoryStrings } from '@/lib/i18n/useMemoryStrings';
import { dayOf, formatDay, timeOf } from '@/lib/kpi/days';
import { usePrintMoment } from '@/lib/memory/usePrintMoment';
import type { ReportView } from '@/lib/types/generated';
import styles from './ReportView.module.css';

/** What a sheet of paper must say by itself: which line, day and shift, and when it was printed. */
export function PrintHead({ view }: { readonly view: ReportView }) {
  const words = useMemoryStrings();
  const [{ language }] = useSettings();
  const { time_zone: timeZone } = view;
  const shift =
    view.shift === null
      ? words.report.allShifts
      : (view.shifts.find(({ id }) => id === view.shift)?.name ?? view.shift);
  const [beginMs, endMs] = [Date.parse(view.begin), Date.parse(view.end)];
  return (
    <header className={styles.printHead}>
      <div>
        <strong>{view.line_name}</strong>
        <span>
          {words.report.dayReport} · {formatDay(view.day, language)} · {shift} ·{' '}
          {timeOf(beginMs, timeZone)}–{timeOf(endMs, timeZone)}
        </span>
      </div>
      <PrintedAt timeZone={timeZone} />
    </header>
  );
}

function PrintedAt({ timeZone }: { readonly timeZone: string }) {
  const words = useMemoryStrings();
  const nowMs = usePrintMoment();
  return (
    <span>
      Lineside · {words.report.printedAt(`${dayOf(nowMs, timeZone)} ${timeOf(nowMs, timeZone)}`)}
    </span>
  );
}
