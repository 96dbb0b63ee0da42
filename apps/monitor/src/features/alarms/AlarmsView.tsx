import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { AlarmDialog } from '@/features/alarms/AlarmDialog';
import { type AlarmFilter, FilterBar } from '@/features/alarms/FilterBar';
import { AlarmTable } from '@/lib/alarms/AlarmTable';
import { getAlarmText } from '@/lib/alarms/text';
import { useSettings } from '@/lib/hooks/useSettings';
import { useMemoryStrings } from '@/lib/i18n/useMemoryStrings';
import { isUnacknowledged } from '@/lib/memory/lineMemory';
import { memoryRest } from '@/lib/memory/memoryRest';
import { useAnswer } from '@/lib/memory/useAnswer';
import { useName } from '@/lib/memory/useName';
import { useWrite } from '@/lib/memory/useWrite';
import { usePlace } from '@/lib/place/usePlace';
import { getServerNowMs } from '@/lib/time/serverClock';
import type { AcknowledgedView, AlarmView } from '@/lib/types/generated';
import { ACTIVE_STATES } from '@/lib/types/memory';
import controls from '@/lib/ui/controls.module.css';
import { Loaded } from '@/lib/ui/Loaded';
import { NameField } from '@/lib/ui/NameField';
import { Refused } from '@/lib/ui/Refused';
import styles from './AlarmsView.module.css';

interface AlarmsViewProps {
  readonly lineId: string;
  readonly machines: ReadonlyArray<{ readonly code: string; readonly name: string }>;
  readonly nowMs: number;
  /** The plant's, by its IANA name; empty: the screen's own. */
  readonly timeZone: string;
  /** Something was acknowledged: header and board should know at once. */
  readonly onChange: () => void;
}

const REFRESH_MS = 5_000;
const PAGE_SIZE = 50;
/** As many as the server gives at once; the export has the rest. */
const SHOWN_MAX = 1_000;
const DAY_MS = 86_400_000;
const NO_ALARMS: readonly AlarmView[] = [];

/** Every alarm of the line, filtered; acknowledged one by one or together, always with a name. */
export function AlarmsView({ lineId, machines, nowMs, timeZone, onChange }: AlarmsViewProps) {
  const words = useMemoryStrings();
  const [{ code }, go] = usePlace();
  const [filter, setFilter] = useState<AlarmFilter>({
    state: 'active',
    severity: '',
    text: '',
    days: 7,
  });
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [openId, setOpenId] = useState<string | null>(null);
  const [done, setDone] = useState('');
  const [refused, setRefused] = useState<readonly string[]>([]);
  const { answer, shownMax, more } = useAlarms(lineId, code, filter);
  const alarms = answer.view?.alarms ?? NO_ALARMS;
  const write = useWrite();
  const [name] = useName();
  const pending = useMemo(
    () => alarms.filter((alarm) => isUnacknowledged(alarm) && selected.has(String(alarm.id))),
    [alarms, selected],
  );
  function change(): void {
    answer.reload();
    onChange();
  }
  async function acknowledge(wanted: readonly AlarmView[]): Promise<void> {
    const ids = wanted.map(({ id }) => id);
    let outcome: AcknowledgedView = { acknowledged: [], refused: [] };
    const isDone = await write.run(async () => {
      outcome = await memoryRest.acknowledge(ids, name.trim());
    });
    if (!isDone) return;
    const { acknowledged, refused: refusals } = outcome;
    setDone(words.alarms.acknowledged(acknowledged.length));
    setRefused(refusals.map(({ detail }) => detail));
    setSelected(new Set());
    change();
  }
  const open = alarms.find(({ id }) => String(id) === openId);
  return (
    <main className={styles.view} data-view="alarms">
      <h2 className="visually-hidden">{words.alarms.title}</h2>
      <FilterBar
        filter={filter}
        code={code}
        machines={machines}
        lineId={lineId}
        onFilter={setFilter}
        onCode={(next) => go({ code: next })}
      />
      <section className={controls.panel} aria-label={words.alarms.title}>
        <div className={styles.bulk}>
          <p className={styles.count} aria-live="polite">
            {answer.view !== null && words.alarms.count(alarms.length, answer.view.next !== null)}
            {pending.length > 0 && ` · ${words.alarms.selected(pending.length)}`}
          </p>
          <p role="status" className={controls.done}>
            {done}
          </p>
          <NameField />
          <button
            type="button"
            className={`${controls.button} ${controls.primary}`}
            disabled={pending.length === 0 || name.trim() === '' || write.isBusy}
            onClick={() => void acknowledge(pending)}
          >
            {words.alarms.acknowledgeSelected(pending.length)}
          </button>
        </div>
        {refused.length > 0 && (
          <p role="alert" className={controls.refused}>
            {words.alarms.refused(refused.length)} {refused[0]}
          </p>
        )}
        <Refused write={write} />
        <Loaded answer={answer}>
          {(view) => (
            <>
              {!view.is_complete && <p className={controls.soft}>{words.alarms.incomplete}</p>}
              <AlarmTable
                alarms={alarms}
                nowMs={nowMs}
                timeZone={timeZone}
                selected={selected}
                onSelect={setSelected}
                actions={(alarm) => (
                  <RowActions
                    alarm={alarm}
                    mayAcknowledge={name.trim() !== '' && !write.isBusy}
                    onAcknowledge={() => void acknowledge([alarm])}
                    onOpen={() => setOpenId(String(alarm.id))}
                  />
                )}
              />
              {view.next !== null &&
                (shownMax < SHOWN_MAX ? (
                  <button type="button" className={controls.button} onClick={more}>
                    {words.more}
                  </button>
                ) : (
                  <p className={controls.soft}>{words.alarms.tooMany(SHOWN_MAX)}</p>
                ))}
            </>
          )}
        </Loaded>
      </section>
      {open !== undefined && (
        <AlarmDialog
          key={open.id}
          alarm={open}
          timeZone={timeZone}
          onChange={change}
          onClose={() => setOpenId(null)}
        />
      )}
    </main>
  );
}

/** The alarms that the filter lets through; present ones are listed whenever they were raised. */
function useAlarms(line: string, code: string | null, filter: AlarmFilter) {
  const { state, severity, days } = filter;
  const text = useSettled(filter.text.trim());
  const [shown, setShown] = useState({ max: PAGE_SIZE, of: '' });
  const question = JSON.stringify([line, code, state, severity, days, text]);
  const shownMax = shown.of === question ? shown.max : PAGE_SIZE;
  // Not a part of the question: what is on the page stays while more of the same is awaited.
  const limit = useRef(PAGE_SIZE);
  useEffect(() => {
    limit.current = shownMax;
  }, [shownMax]);
  const ask = useCallback(
    (signal: AbortSignal) => {
      const since =
        state === 'active' ? null : new Date(getServerNowMs() - days * DAY_MS).toISOString();
      const states = state === 'active' ? ACTIVE_STATES : state;
      const query = {
        line,
        code,
        state: states,
        severity,
        q: text,
        from: since,
        limit: limit.current,
      };
      return memoryRest.getAlarms(query, signal);
    },
    [line, code, state, severity, days, text],
  );
  const answer = useAnswer(ask, REFRESH_MS);
  function more(): void {
    const max = Math.min(shownMax + PAGE_SIZE, SHOWN_MAX);
    limit.current = max;
    setShown({ max, of: question });
    answer.reload();
  }
  return { answer, shownMax, more };
}

const SETTLE_MS = 300;

/** Return `value` once it has not changed for a moment: not every key is a question. */
function useSettled(value: string): string {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), SETTLE_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}

interface RowActionsProps {
  readonly alarm: AlarmView;
  readonly mayAcknowledge: boolean;
  readonly onAcknowledge: () => void;
  readonly onOpen: () => void;
}

function RowActions({ alarm, mayAcknowledge, onAcknowledge, onOpen }: RowActionsProps) {
  const words = useMemoryStrings();
  const [{ language }] = useSettings();
  const what = `${alarm.name} ${getAlarmText(alarm, language)}`;
  return (
    <div className={styles.actions}>
      {isUnacknowledged(alarm) && (
        <button
          type="button"
          className={`${controls.button} ${controls.small}`}
          aria-label={words.alarms.acknowledgeOf(what)}
          title={mayAcknowledge ? undefined : words.byHint}
          disabled={!mayAcknowledge}
          onClick={onAcknowledge}
        >
          {words.alarms.acknowledge}
        </button>
      )}
      <button
        type="button"
        className={`${controls.button} ${controls.small}`}
        aria-label={words.alarms.detailsOf(what)}
        onClick={onOpen}
      >
        {words.alarms.details}
      </button>
    </div>
  );
}
