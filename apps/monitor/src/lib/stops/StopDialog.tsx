import { type FormEvent, useState } from 'react';
import { useSettings } from '@/lib/hooks/useSettings';
import { useMemoryStrings } from '@/lib/i18n/useMemoryStrings';
import { useStrings } from '@/lib/i18n/useStrings';
import { clockOf, dateTimeOf, dayOf, endTimeOf, parseLocalMs } from '@/lib/kpi/days';
import { flatten, memoryRest } from '@/lib/memory/memoryRest';
import type { useAnswer } from '@/lib/memory/useAnswer';
import { useName } from '@/lib/memory/useName';
import { useWrite, type Write } from '@/lib/memory/useWrite';
import { flattenReasons } from '@/lib/stops/reasonTree';
import { StopHistory } from '@/lib/stops/StopHistory';
import type { Neighbours } from '@/lib/stops/stopQuestions';
import { formatDuration } from '@/lib/time/format';
import type { DowntimeReasonView, StopView } from '@/lib/types/generated';
import controls from '@/lib/ui/controls.module.css';
import { Loaded } from '@/lib/ui/Loaded';
import { Modal } from '@/lib/ui/Modal';
import { NameField } from '@/lib/ui/NameField';
import styles from './StopsPanel.module.css';

interface StopDialogProps {
  readonly stop: StopView;
  /** What can be joined with it, or that this is awaited. */
  readonly beside: ReturnType<typeof useAnswer<Neighbours>>;
  readonly timeZone: string;
  readonly reasons: readonly DowntimeReasonView[];
  readonly onDone: () => void;
  readonly onClose: () => void;
}

const COMMENT_MAX = 500;
const INDENT_PX = 24;

/** Why a machine stood: one reason of the tree, a comment, a name; or it was two stops, or one. */
export function StopDialog(props: StopDialogProps) {
  const { stop, timeZone, onDone, onClose } = props;
  const words = useMemoryStrings();
  const strings = useStrings();
  const write = useWrite();
  const beginMs = Date.parse(stop.begin);
  const endText =
    stop.end === null ? words.ongoing : endTimeOf(beginMs, Date.parse(stop.end), timeZone);
  const length = formatDuration(stop.down_ms / 1_000, strings.duration);
  async function save(action: () => Promise<unknown>): Promise<void> {
    if (await write.run(action)) onDone();
  }
  return (
    <Modal
      title={words.stops.dialog}
      subtitle={`${stop.name} · ${dateTimeOf(beginMs, timeZone)} – ${endText} · ${length}`}
      onClose={onClose}
    >
      <ReasonForm {...props} write={write} save={save} />
      {write.error !== null && (
        <p role="alert" className={controls.refused}>
          {words.refused(write.error)}
        </p>
      )}
      <div className={styles.more}>
        <SplitForm {...props} write={write} save={save} />
        <MergeForm {...props} write={write} save={save} />
      </div>
      <StopHistory {...props} />
    </Modal>
  );
}

interface FormProps extends StopDialogProps {
  readonly write: Write;
  readonly save: (action: () => Promise<unknown>) => Promise<void>;
}

function ReasonForm({ stop, reasons, onClose, write, save }: FormProps) {
  const words = useMemoryStrings();
  const [{ language }] = useSettings();
  const [name] = useName();
  const [reason, setReason] = useState(stop.reason);
  const [comment, setComment] = useState(stop.comment ?? '');
  const isReady = name.trim() !== '' && reason !== null;
  function submit(event: FormEvent): void {
    event.preventDefault();
    if (reason === null) return;
    void save(() => memoryRest.explainStop(stop.id, name.trim(), reason, flatten(comment)));
  }
  return (
    <form className={styles.form} onSubmit={submit}>
      {reasons.length === 0 ? (
        <p className={controls.soft}>{words.stops.noReasons}</p>
      ) : (
        <fieldset className={styles.tree}>
          <legend>{words.reason}</legend>
          {flattenReasons(reasons).map(({ reason: node, depth }) => (
            <label
              key={node.code}
              className={styles.choice}
              data-depth={depth}
              style={{ paddingInlineStart: 10 + depth * INDENT_PX }}
            >
              <input
                type="radio"
                name="reason"
                value={node.code}
                checked={reason === node.code}
                onChange={() => setReason(node.code)}
              />
              {(language === 'en' ? node.name_en : null) ?? node.name}
            </label>
          ))}
        </fieldset>
      )}
      <label className={controls.field}>
        {words.comment} ({words.optional})
        <textarea
          className={controls.input}
          maxLength={COMMENT_MAX}
          value={comment}
          onChange={(event) => setComment(event.currentTarget.value)}
        />
      </label>
      <NameField />
      <div className={styles.actions}>
        <button type="button" className={controls.button} onClick={onClose}>
          {words.cancel}
        </button>
        <button
          type="submit"
          className={`${controls.button} ${controls.primary}`}
          disabled={!isReady || write.isBusy}
        >
          {words.save}
        </button>
      </div>
    </form>
  );
}

function SplitForm({ stop, timeZone, write, save }: FormProps) {
  const words = useMemoryStrings();
  const [name] = useName();
  const beginMs = Date.parse(stop.begin);
  const endMs = stop.end === null ? beginMs + stop.down_ms : Date.parse(stop.end);
  const [time, setTime] = useState(() => clockOf((beginMs + endMs) / 2, timeZone));
  const atMs = findInside(time, beginMs, endMs, timeZone);
  function submit(event: FormEvent): void {
    event.preventDefault();
    if (atMs === null) return;
    void save(() => memoryRest.splitStop(stop.id, name.trim(), new Date(atMs).toISOString()));
  }
  return (
    <form onSubmit={submit} aria-label={words.stops.split}>
      <h3>{words.stops.split}</h3>
      <p className={controls.soft}>{words.stops.splitHelp}</p>
      <label className={controls.field}>
        {words.stops.splitAt} ({dateTimeOf(beginMs, timeZone)} –{' '}
        {endTimeOf(beginMs, endMs, timeZone)})
        <input
          className={controls.input}
          type="time"
          step={1}
          value={time}
          onChange={(event) => setTime(event.currentTarget.value)}
        />
      </label>
      <button
        type="submit"
        className={controls.button}
        disabled={atMs === null || name.trim() === '' || write.isBusy}
      >
        {words.stops.split}
      </button>
    </form>
  );
}

/** Return the moment inside the stop at which the plant's clock shows `time`, on any of its days. */
function findInside(time: string, beginMs: number, endMs: number, timeZone: string): number | null {
  for (const dayMs of [beginMs, endMs]) {
    const atMs = parseLocalMs(`${dayOf(dayMs, timeZone)}T${time}`, timeZone);
    if (atMs !== null && atMs > beginMs && atMs < endMs) return atMs;
  }
  return null;
}

function MergeForm(props: FormProps) {
  const { beside } = props;
  const words = useMemoryStrings();
  return (
    <section>
      <h3>{words.stops.merge}</h3>
      <p className={controls.soft}>{words.stops.mergeHelp}</p>
      <Loaded answer={beside}>
        {({ others }) =>
          others.length === 0 ? (
            <p className={controls.soft}>{words.stops.noNeighbours}</p>
          ) : (
            <MergeWith {...props} others={others} />
          )
        }
      </Loaded>
    </section>
  );
}

function MergeWith({
  stop,
  others,
  timeZone,
  write,
  save,
}: FormProps & { readonly others: readonly StopView[] }) {
  const words = useMemoryStrings();
  const strings = useStrings();
  const [name] = useName();
  const [chosen, setChosen] = useState<string | null>(null);
  const other = chosen ?? others[0]?.id ?? '';
  function submit(event: FormEvent): void {
    event.preventDefault();
    void save(() => memoryRest.mergeStops(stop.id, name.trim(), other));
  }
  return (
    <form onSubmit={submit} aria-label={words.stops.merge}>
      <label className={controls.field}>
        {words.stops.mergeWith}
        <select
          className={controls.input}
          value={other}
          onChange={(event) => setChosen(event.currentTarget.value)}
        >
          {others.map(({ id, begin, down_ms: downMs }) => (
            <option key={id} value={id}>
              {dateTimeOf(Date.parse(begin), timeZone)} ·{' '}
              {formatDuration(downMs / 1_000, strings.duration)}
            </option>
          ))}
        </select>
      </label>
      <button
        type="submit"
        className={controls.button}
        disabled={name.trim() === '' || write.isBusy}
      >
        {words.stops.merge}
      </button>
    </form>
  );
}
