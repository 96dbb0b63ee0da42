import { type FormEvent, useCallback, useState } from 'react';
import { AlarmAudit } from '@/features/alarms/AlarmAudit';
import { getAlarmAdvice, getAlarmText } from '@/lib/alarms/text';
import { useSettings } from '@/lib/hooks/useSettings';
import { useMemoryStrings } from '@/lib/i18n/useMemoryStrings';
import { useStrings } from '@/lib/i18n/useStrings';
import { dateTimeOf } from '@/lib/kpi/days';
import { isUnacknowledged } from '@/lib/memory/lineMemory';
import { flatten, memoryRest } from '@/lib/memory/memoryRest';
import { useAnswer } from '@/lib/memory/useAnswer';
import { useName } from '@/lib/memory/useName';
import { useWrite } from '@/lib/memory/useWrite';
import { formatDuration } from '@/lib/time/format';
import type { AlarmView } from '@/lib/types/generated';
import controls from '@/lib/ui/controls.module.css';
import { Modal } from '@/lib/ui/Modal';
import { NameField } from '@/lib/ui/NameField';
import { Refused } from '@/lib/ui/Refused';
import styles from './AlarmsView.module.css';

interface AlarmDialogProps {
  readonly alarm: AlarmView;
  /** The plant's, by its IANA name; empty: the screen's own. */
  readonly timeZone: string;
  readonly onChange: () => void;
  readonly onClose: () => void;
}

/** Putting aside always ends by itself; there is no "for ever". */
const SHELVE_MINUTES = [15, 60, 240, 480] as const;
const REFRESH_MS = 5_000;
const COMMENT_MAX = 1_000;

/** One alarm: what to do about it, what happened to it, and everything a person may do with it. */
export function AlarmDialog({ alarm, timeZone, onChange, onClose }: AlarmDialogProps) {
  const words = useMemoryStrings();
  const strings = useStrings();
  const [{ language }] = useSettings();
  const [name] = useName();
  const [comment, setComment] = useState('');
  const write = useWrite();
  const { id } = alarm;
  const ask = useCallback((signal: AbortSignal) => memoryRest.getAlarm(id, signal), [id]);
  const audit = useAnswer(ask, REFRESH_MS);
  const by = name.trim();
  const text = flatten(comment);
  const isReady = by !== '' && !write.isBusy;
  const advice = getAlarmAdvice(alarm, language);
  const isOver = alarm.state === 'normal';
  async function save(action: () => Promise<unknown>): Promise<void> {
    if (!(await write.run(action))) return;
    setComment('');
    audit.reload();
    onChange();
  }
  function submitComment(event: FormEvent): void {
    event.preventDefault();
    void save(() => memoryRest.comment(alarm.id, by, text));
  }
  return (
    <Modal
      title={getAlarmText(alarm, language)}
      subtitle={`${alarm.name} · ${words.alarms.states[alarm.state]}`}
      onClose={onClose}
    >
      <Facts alarm={alarm} timeZone={timeZone} />
      {advice !== '' && (
        <p className={styles.advice}>
          <b>{words.alarms.advice}</b> {advice}
        </p>
      )}
      <AlarmAudit audit={audit} timeZone={timeZone} />
      <form className={styles.form} onSubmit={submitComment}>
        <NameField />
        <label className={controls.field}>
          {words.comment}
          <textarea
            className={controls.input}
            maxLength={COMMENT_MAX}
            value={comment}
            onChange={(event) => setComment(event.currentTarget.value)}
          />
        </label>
        <div className={styles.choices}>
          {isUnacknowledged(alarm) && (
            <button
              type="button"
              className={`${controls.button} ${controls.primary}`}
              disabled={!isReady}
              onClick={() => void save(() => memoryRest.acknowledgeOne(alarm.id, by, text))}
            >
              {words.alarms.acknowledge}
            </button>
          )}
          <button type="submit" className={controls.button} disabled={!isReady || text === ''}>
            {words.alarms.addComment}
          </button>
        </div>
        {!isOver && (
          <div className={styles.choices} role="group" aria-label={words.alarms.shelve}>
            {alarm.state === 'shelved' ? (
              <button
                type="button"
                className={controls.button}
                disabled={!isReady}
                onClick={() => void save(() => memoryRest.unshelve(alarm.id, by))}
              >
                {words.alarms.unshelve}
              </button>
            ) : (
              SHELVE_MINUTES.map((minutes) => (
                <button
                  key={minutes}
                  type="button"
                  className={controls.button}
                  disabled={!isReady}
                  onClick={() => void save(() => memoryRest.shelve(alarm.id, by, minutes, text))}
                >
                  {words.alarms.shelveFor(formatDuration(minutes * 60, strings.duration))}
                </button>
              ))
            )}
          </div>
        )}
      </form>
      <Refused write={write} />
    </Modal>
  );
}

function Facts({ alarm, timeZone }: Pick<AlarmDialogProps, 'alarm' | 'timeZone'>) {
  const words = useMemoryStrings();
  const { acknowledged, acknowledged_by: by, shelved_until: until } = alarm;
  const time = (at: string): string => dateTimeOf(Date.parse(at), timeZone);
  return (
    <dl className={styles.facts}>
      <dt>{words.alarms.raised}</dt>
      <dd>{time(alarm.raised)}</dd>
      <dt>{words.alarms.cleared}</dt>
      <dd>{alarm.cleared === null ? words.ongoing : time(alarm.cleared)}</dd>
      <dt>{words.alarms.severity}</dt>
      <dd>{words.alarms.severities[alarm.severity] ?? alarm.severity}</dd>
      {alarm.plc_id !== null && (
        <>
          <dt>{words.alarms.plc}</dt>
          <dd>
            {alarm.plc_id} {alarm.tag}
            {alarm.alarm_code !== null && ` #${alarm.alarm_code}`}
          </dd>
        </>
      )}
      {acknowledged !== null && by !== null && (
        <>
          <dt>{words.alarms.states.acknowledged}</dt>
          <dd>{words.alarms.acknowledgedBy(by, time(acknowledged))}</dd>
        </>
      )}
      {until !== null && (
        <>
          <dt>{words.alarms.states.shelved}</dt>
          <dd>{words.alarms.shelvedUntil(time(until))}</dd>
        </>
      )}
    </dl>
  );
}
