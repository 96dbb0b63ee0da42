import { useSettings } from '@/lib/hooks/useSettings';
import { useMemoryStrings } from '@/lib/i18n/useMemoryStrings';
import { addDays, formatDay, isDay, timeOf } from '@/lib/kpi/days';
import { findNeighbour } from '@/lib/place/shifts';
import { ALL_SHIFTS } from '@/lib/place/place';
import type { Go } from '@/lib/place/usePlace';
import type { ReportView } from '@/lib/types/generated';
import controls from '@/lib/ui/controls.module.css';
import { Downloads } from '@/lib/ui/Downloads';
import styles from './ReportView.module.css';

interface DayPickerProps {
  readonly lineId: string;
  /** Null until the server has said which day it is at the plant. */
  readonly day: string | null;
  readonly isToday: boolean;
  readonly shift: string;
  readonly view: ReportView | null;
  readonly onGo: Go;
}

/** Which day and shift, one step back or forth, and what to take along: on paper, or as files. */
export function DayPicker({ lineId, day, isToday, shift, view, onGo }: DayPickerProps) {
  const words = useMemoryStrings();
  const [{ language }] = useSettings();
  const shifts = view?.shifts ?? [];
  function step(count: 1 | -1): void {
    if (day === null) return;
    const next = findNeighbour(shifts, shift, count);
    onGo(
      next.dayStep === 0
        ? { shift: next.shift }
        : { day: addDays(day, next.dayStep), shift: next.shift },
    );
  }
  const range =
    view === null
      ? null
      : `${timeOf(Date.parse(view.begin), view.time_zone)}–${timeOf(Date.parse(view.end), view.time_zone)}`;
  const exported = { line: lineId, from: view?.begin ?? null, to: view?.end ?? null };
  return (
    <section className={styles.picker} aria-label={words.report.when}>
      <div className={styles.steps}>
        <button
          type="button"
          className={`${controls.button} ${styles.step}`}
          aria-label={words.report.previous}
          disabled={day === null}
          onClick={() => step(-1)}
        >
          <svg viewBox="0 0 24 24" aria-hidden="true">
            <path d="M15 4l-8 8 8 8" />
          </svg>
        </button>
        <label className={styles.inline}>
          <span className="visually-hidden">{words.report.day}</span>
          <input
            className={`${controls.input} ${styles.date}`}
            type="date"
            value={day ?? ''}
            onChange={(event) => {
              const chosen = event.currentTarget.value;
              if (isDay(chosen)) onGo({ day: chosen });
            }}
          />
        </label>
        <label className={styles.inline}>
          <span className="visually-hidden">{words.report.shift}</span>
          <select
            className={`${controls.input} ${styles.shift}`}
            value={shift}
            onChange={(event) => onGo({ shift: event.currentTarget.value })}
          >
            <option value={ALL_SHIFTS}>{words.report.allShifts}</option>
            {listShiftChoices(shifts, shift).map(({ id, name }) => (
              <option key={id} value={id}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <button
          type="button"
          className={`${controls.button} ${styles.step}`}
          aria-label={words.report.next}
          disabled={day === null}
          onClick={() => step(1)}
        >
          <svg viewBox="0 0 24 24" aria-hidden="true">
            <path d="M9 4l8 8-8 8" />
          </svg>
        </button>
        <button
          type="button"
          className={`${controls.button} ${styles.today}`}
          disabled={isToday && shift === ALL_SHIFTS}
          onClick={() => onGo({ day: null, shift: ALL_SHIFTS })}
        >
          {words.report.today}
        </button>
      </div>
      <p className={styles.which} aria-live="polite">
        {day !== null && <b>{formatDay(day, language)}</b>} {range}
      </p>
      <div className={styles.takeAway} role="group" aria-label={words.report.download}>
        <Downloads
          query={exported}
          what={day === null ? '' : `${formatDay(day, language)} ${range ?? ''}`}
          isDisabled={view === null}
        />
        <button
          type="button"
          className={`${controls.button} ${controls.primary}`}
          disabled={view === null}
          onClick={() => globalThis.print()}
        >
          {words.report.print}
        </button>
      </div>
    </section>
  );
}

/** The shift of the address stays among the choices, also on a day that does not have it. */
function listShiftChoices(
  shifts: ReportView['shifts'],
  shift: string,
): ReadonlyArray<{ readonly id: string; readonly name: string }> {
  if (shift === ALL_SHIFTS || shifts.some(({ id }) => id === shift)) return shifts;
  return [...shifts, { id: shift, name: shift }];
}
