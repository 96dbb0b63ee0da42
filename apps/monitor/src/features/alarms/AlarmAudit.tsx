import { useMemoryStrings } from '@/lib/i18n/useMemoryStrings';
import { dateTimeOf } from '@/lib/kpi/days';
import type { useAnswer } from '@/lib/memory/useAnswer';
import type { AlarmDetailView } from '@/lib/types/generated';
import controls from '@/lib/ui/controls.module.css';
import { Loaded } from '@/lib/ui/Loaded';
import styles from './AlarmsView.module.css';

interface AlarmAuditProps {
  readonly audit: ReturnType<typeof useAnswer<AlarmDetailView>>;
  readonly timeZone: string;
}

/** A fault that comes and goes has hundreds; `/api/alarms/{id}` has up to a thousand. */
const SHOWN_MAX = 30;

/** Everything that happened to an alarm, the newest first: who did what, when, and what they said. */
export function AlarmAudit({ audit, timeZone }: AlarmAuditProps) {
  const words = useMemoryStrings().alarms;
  return (
    <section aria-labelledby="alarm-audit">
      <h3 id="alarm-audit" className={styles.subtitle}>
        {words.audit}
      </h3>
      <Loaded answer={audit}>
        {({ alarm, events }) => {
          const numbered = events.map((event, number) => ({ ...event, number }));
          const earlier = events.length - SHOWN_MAX;
          return (
            <>
              <ol className={styles.audit}>
                {numbered
                  .slice(-SHOWN_MAX)
                  .reverse()
                  .map(({ number, at, event, by, text, note }) => (
                    <li key={number}>
                      <small>{dateTimeOf(Date.parse(at), timeZone)}</small>{' '}
                      {by !== '' && <b>{by}</b>} {words.events[event]}
                      {event === 'code_seen' && ` #${alarm.alarm_code}`}
                      {note !== null && ` · ${words.notes[note]}`}
                      {text !== '' && ` · ${text}`}
                    </li>
                  ))}
              </ol>
              {earlier > 0 && <p className={controls.soft}>{words.earlierEvents(earlier)}</p>}
            </>
          );
        }}
      </Loaded>
    </section>
  );
}
