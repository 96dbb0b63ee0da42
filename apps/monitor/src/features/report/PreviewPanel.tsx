import { type FormEvent, useState } from 'react';
import { ApplyRules } from '@/features/report/ApplyRules';
import { PreviewTable } from '@/features/report/PreviewTable';
import { RulesApplied } from '@/features/report/RulesApplied';
import { useMemoryStrings } from '@/lib/i18n/useMemoryStrings';
import { timeOf } from '@/lib/kpi/days';
import { type Hours, writeChange } from '@/lib/kpi/tomlChange';
import { memoryRest, type Window } from '@/lib/memory/memoryRest';
import { useAnswer } from '@/lib/memory/useAnswer';
import { useWrite } from '@/lib/memory/useWrite';
import type { KpiPreviewView, ReportView } from '@/lib/types/generated';
import controls from '@/lib/ui/controls.module.css';
import styles from './ReportView.module.css';

const DAY_MS = 86_400_000;
/** 0: the time of the report. */
const DAYS = [0, 7, 30] as const;
const STOP_AFTER_MAX_MIN = 10_080;

interface Previewed {
  readonly found: KpiPreviewView;
  /** What stands in lineside.toml when it is applied. */
  readonly change: string;
  readonly window: Window;
}

interface PreviewPanelProps {
  readonly view: ReportView;
  /** Rules were applied to the past, or taken back, so every figure has changed. */
  readonly onChange: () => void;
}

/**
 * What today's rules, another `stop_after` or other hours of shifts would have made of the past. That
 * changes nothing; today's rules can be applied to the past from here, once the difference was shown.
 */
export function PreviewPanel({ view, onChange }: PreviewPanelProps) {
  const words = useMemoryStrings().preview;
  const { refused } = useMemoryStrings();
  const write = useWrite();
  const applied = useAnswer(memoryRest.getRulesApplied);
  const [days, setDays] = useState<number>(0);
  const [minutes, setMinutes] = useState('');
  const [changed, setChanged] = useState<Readonly<Record<string, Hours>>>({});
  const [previewed, setPreviewed] = useState<Previewed | null>(null);
  const shifts = view.shifts.map(({ id, name, begin, end }) => {
    const usual = {
      start: timeOf(Date.parse(begin), view.time_zone),
      end: timeOf(Date.parse(end), view.time_zone),
    };
    return { id, name, usual, hours: changed[id] ?? usual };
  });
  const others = shifts.filter(
    ({ usual, hours }) => usual.start !== hours.start || usual.end !== hours.end,
  );
  const stopAfterMin = minutes === '' ? null : Number(minutes);
  const isChanged = stopAfterMin !== null || others.length > 0;
  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault();
    const endMs = Date.parse(view.end);
    const beginMs = days === 0 ? Date.parse(view.begin) : endMs - days * DAY_MS;
    const window = { from: new Date(beginMs).toISOString(), to: view.end };
    const wish = {
      line: view.line_id,
      ...window,
      shifts: others.map(({ id, hours }) => ({ id, ...hours })),
      ...(stopAfterMin === null ? {} : { stop_after: stopAfterMin * 60 }),
    };
    await write.run(async () => {
      const found = await memoryRest.preview(wish);
      const remaining = new Map(found.breaks.map(({ id, breaks }) => [id, breaks]));
      const changes = others.map(({ id, hours }) => ({ id, hours, breaks: remaining.get(id) }));
      setPreviewed({ found, change: writeChange(view.line_id, stopAfterMin, changes), window });
    });
  }
  function changePast(): void {
    setPreviewed(null);
    applied.reload();
    onChange();
  }
  return (
    <section className={controls.panel} aria-labelledby="preview-title" data-panel="preview">
      <h2 id="preview-title" className={controls.title}>
        {words.title} <small>{words.help}</small>
      </h2>
      <form
        className={styles.previewForm}
        aria-label={words.title}
        onSubmit={(event) => void submit(event)}
      >
        <label className={controls.field}>
          {words.stopAfter}
          <input
            className={controls.input}
            type="number"
            min={0}
            max={STOP_AFTER_MAX_MIN}
            step="any"
            placeholder={words.asConfigured}
            value={minutes}
            onChange={(event) => setMinutes(event.currentTarget.value)}
          />
        </label>
        {shifts.map(({ id, name, hours }) => (
          <fieldset key={id} className={styles.hours}>
            <legend>{words.hoursOf(name)}</legend>
            {(['start', 'end'] as const).map((edge) => (
              <input
                key={edge}
                className={controls.input}
                type="time"
                required
                aria-label={edge === 'start' ? words.startOf(name) : words.endOf(name)}
                value={hours[edge]}
                onChange={(event) =>
                  setChanged({ ...changed, [id]: { ...hours, [edge]: event.currentTarget.value } })
                }
              />
            ))}
          </fieldset>
        ))}
        <label className={controls.field}>
          {words.over}
          <select
            className={controls.input}
            value={days}
            onChange={(event) => setDays(Number(event.currentTarget.value))}
          >
            {DAYS.map((count) => (
              <option key={count} value={count}>
                {count === 0 ? words.thisReport : words.lastDays(count)}
              </option>
            ))}
          </select>
        </label>
        <button
          type="submit"
          className={`${controls.button} ${controls.primary}`}
          disabled={write.isBusy}
        >
          {isChanged ? words.show : words.showToday}
        </button>
      </form>
      {write.error !== null && (
        <p role="alert" className={controls.refused}>
          {refused(write.error)}
        </p>
      )}
      <div aria-live="polite">
        {previewed !== null && (
          <>
            <PreviewTable found={previewed.found} />
            {previewed.found.own_stop_after.length > 0 && (
              <p className={controls.soft}>{words.ownStopAfter(listOwn(previewed.found))}</p>
            )}
            {previewed.found.version === null ? (
              <HowToApply change={previewed.change} />
            ) : isSame(previewed.found) ? (
              <p className={controls.soft}>{words.noDifference}</p>
            ) : (
              <ApplyRules
                key={previewed.window.from + previewed.window.to}
                line={view.line_id}
                version={previewed.found.version}
                window={previewed.window}
                timeZone={view.time_zone}
                onDone={changePast}
              />
            )}
          </>
        )}
      </div>
      <RulesApplied
        applied={(applied.view ?? []).filter((each) => each.line_id === view.line_id)}
        timeZone={view.time_zone}
        onChange={changePast}
      />
    </section>
  );
}

/** Rules that are not in force yet are written into the configuration first. */
function HowToApply({ change }: { readonly change: string }) {
  const words = useMemoryStrings().preview;
  return (
    <>
      <h3 className={styles.apply}>{words.apply}</h3>
      <p className={controls.soft}>{words.applyHelp}</p>
      <pre className={styles.change} tabIndex={0} role="group" aria-label={words.apply}>
        {change}
      </pre>
    </>
  );
}

/** The names of the machines that a tried `stop_after` leaves alone. */
function listOwn({ current, own_stop_after: codes }: KpiPreviewView): string {
  const names = new Map(current.map((row) => [row.code, row.name]));
  return codes.map((code) => names.get(code) ?? code).join(', ');
}

/** Whether the past was judged by these rules already. */
function isSame({ current, preview }: KpiPreviewView): boolean {
  return JSON.stringify(current) === JSON.stringify(preview);
}
