import { describeInterval } from '@/features/timeline/describe';
import { chooseText } from '@/lib/alarms/text';
import { useSettings } from '@/lib/hooks/useSettings';
import { useStrings } from '@/lib/i18n/useStrings';
import { useTimelineStrings } from '@/lib/i18n/useTimelineStrings';
import { type AlarmMark, type Interval, isSeen } from '@/lib/timeline/model';
import { formatZoneSecond, type Zone } from '@/lib/time/zone';
import { StatusIcon } from '@/lib/ui/StatusIcon';
import styles from './IntervalTip.module.css';

export interface Tip {
  readonly lane: number;
  readonly name: string;
  readonly interval: Interval;
  readonly alarms: readonly AlarmMark[];
  /** The moment under the pointer. */
  readonly atMs: number;
  readonly xPx: number;
  /** The top and the foot of the lane's bar in the chart. */
  readonly topPx: number;
  readonly footPx: number;
  /** Stays, and offers what can be done. */
  readonly isPinned: boolean;
}

interface IntervalTipProps {
  readonly tip: Tip;
  readonly chart: { readonly widthPx: number; readonly heightPx: number };
  readonly zone: Zone;
  readonly nowMs: number;
  readonly onMoment: (atMs: number) => void;
}

const WIDTH_PX = 280;
const ROOM_PX = 190;

/** Which status it was, why, from when to when: beside the stretch, never over it. */
export function IntervalTip({ tip, chart, zone, nowMs, onMoment }: IntervalTipProps) {
  const words = useTimelineStrings();
  const strings = useStrings();
  const [{ language }] = useSettings();
  const { interval, isPinned } = tip;
  const { from, to, duration } = describeInterval(interval, zone, nowMs, strings.duration);
  const widthPx = Math.min(WIDTH_PX, chart.widthPx - 16);
  const leftPx = Math.max(8, Math.min(chart.widthPx - widthPx - 8, tip.xPx - widthPx / 2));
  const isBelow = tip.footPx + ROOM_PX < chart.heightPx || tip.topPx < ROOM_PX;
  return (
    <div
      className={styles.tip}
      data-status={interval.status}
      data-pinned={isPinned ? 'true' : undefined}
      data-tip=""
      style={{
        width: widthPx,
        left: leftPx,
        ...(isBelow ? { top: tip.footPx + 8 } : { bottom: chart.heightPx - tip.topPx + 8 }),
      }}
    >
      <p className={styles.head}>
        {isSeen(interval.status) && (
          <StatusIcon status={interval.status} className={styles.icon ?? ''} />
        )}
        <strong>{words.status[interval.status]}</strong>
        <span>{duration}</span>
      </p>
      <p className={styles.name}>{tip.name}</p>
      {interval.reason !== null && <p className={styles.soft}>{words.reason[interval.reason]}</p>}
      {interval.status === 'deleted' && <p className={styles.soft}>{words.deletedText}</p>}
      <p className={styles.times}>
        <time>{from}</time> – <time>{to ?? words.ongoing}</time>
      </p>
      {tip.alarms.map((alarm) => (
        <p key={`${alarm.atMs} ${alarm.textKo}`} className={styles.alarm}>
          <b>{words.alarm}</b> {chooseText(alarm.textKo, alarm.textEn, language)}{' '}
          <time>{formatZoneSecond(zone, alarm.atMs)}</time>
        </p>
      ))}
      {isPinned && (
        <button type="button" onClick={() => onMoment(tip.atMs)}>
          {words.seeBoard}
        </button>
      )}
    </div>
  );
}
