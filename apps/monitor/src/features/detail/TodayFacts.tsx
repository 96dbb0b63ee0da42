import { Suspense, useMemo } from 'react';
import styles from '@/features/detail/Section.module.css';
import { getAlarmText } from '@/lib/alarms/text';
import type { Machine } from '@/lib/board/board';
import { useSettings } from '@/lib/hooks/useSettings';
import { useStrings } from '@/lib/i18n/useStrings';
import { isUnacknowledged, listMachineAlarms } from '@/lib/memory/lineMemory';
import { useLineMemory, useReloadMemory } from '@/lib/memory/useLineMemory';
import { lazyPanel } from '@/lib/panel/lazyPanel';
import { Panel } from '@/lib/panel/Panel';
import { usePlace } from '@/lib/place/usePlace';
import { useZone } from '@/lib/time/useZone';
import { formatZoneNear } from '@/lib/time/zone';
import type { AlarmView } from '@/lib/types/generated';
import own from './TodayFacts.module.css';

/** Only where somebody has something to acknowledge. */
const AcknowledgeForm = lazyPanel(
  async () => (await import('@/features/detail/AcknowledgeForm')).AcknowledgeForm,
);

/** How often today, which alarms are not over and who took them up, and the way to what is known. */
export function TodayFacts({ machine }: { readonly machine: Machine }) {
  const { code, plcId } = machine;
  const words = useStrings().memory;
  const [, go] = usePlace();
  const today = useLineMemory((state) => state.today.get(code) ?? null);
  const active = useLineMemory((state) => state.alarms);
  const isPartial = useLineMemory((state) => state.isKnown && !state.isComplete);
  const reload = useReloadMemory();
  const alarms = useMemo(() => listMachineAlarms(active, code, plcId), [active, code, plcId]);
  const waiting = useMemo(() => alarms.filter(isUnacknowledged), [alarms]);
  return (
    <section className={styles.section} aria-labelledby="today-facts" data-today={code}>
      <h3 id="today-facts">{words.todayTitle}</h3>
      {today !== null && <p>{words.today(today.failures, today.stops)}</p>}
      {alarms.length > 0 && (
        <ul className={own.alarms}>
          {alarms.map((alarm) => (
            <AlarmLine key={alarm.id} alarm={alarm} />
          ))}
        </ul>
      )}
      {isPartial && <p>{words.alarmsIncompleteText}</p>}
      {waiting.length > 0 && (
        <Panel>
          <Suspense fallback={null}>
            <AcknowledgeForm alarms={waiting} onDone={reload} />
          </Suspense>
        </Panel>
      )}
      <p className={own.ways}>
        <button type="button" onClick={() => go({ view: 'machine', code })}>
          {words.machinePage}
        </button>
        <button type="button" onClick={() => go({ view: 'alarms', code })}>
          {words.alarms}
        </button>
      </p>
    </section>
  );
}

function AlarmLine({ alarm }: { readonly alarm: AlarmView }) {
  const words = useStrings().memory;
  const [{ language }] = useSettings();
  const zone = useZone();
  const timeOf = (time: string): string => formatZoneNear(zone, Date.parse(time));
  const { acknowledged, acknowledged_by: by } = alarm;
  const isTaken = by !== null && acknowledged !== null;
  return (
    <li data-state={alarm.state}>
      <b>{getAlarmText(alarm, language)}</b>
      <span>{words.alarmSince(timeOf(alarm.raised))}</span>
      <span className={isTaken ? undefined : own.open}>
        {isTaken ? words.acknowledgedBy(by, timeOf(acknowledged)) : words.unacknowledged}
      </span>
    </li>
  );
}
