import type { Machine } from '@/lib/board/board';
import { getShownStatus } from '@/lib/board/getEquipmentColor';
import { getShownColor } from '@/lib/board/shown';
import { useSession } from '@/lib/hooks/useSession';
import { useStrings } from '@/lib/i18n/useStrings';
import type { LineSession } from '@/lib/session/lineSession';
import { formatCounter } from '@/lib/time/format';
import { formatZoneNearSecond, type Zone } from '@/lib/time/zone';
import { StatusIcon } from '@/lib/ui/StatusIcon';
import styles from './MachineView.module.css';

interface MachineNowProps {
  readonly session: LineSession;
  readonly machine: Machine;
  readonly zone: Zone;
}

/** What the machine does now, and since when; gray where the page cannot know. */
export function MachineNow({ session, machine, zone }: MachineNowProps) {
  const strings = useStrings();
  const isLate = useSession(session, (state) => state.lateCodes.has(machine.code));
  const nowS = useSession(session, (state) => state.nowS);
  const color = getShownColor(machine, isLate);
  const status = getShownStatus(color);
  const { sinceMs } = machine;
  return (
    <p className={styles.now} data-color={color}>
      <StatusIcon status={status} className={styles.icon ?? ''} />
      <b>{strings.status[status]}</b>
      {!isLate && sinceMs !== null && (
        <span>
          {formatCounter(nowS - Math.floor(sinceMs / 1_000), strings.duration)} ·{' '}
          {strings.detail.since(formatZoneNearSecond(zone, sinceMs, nowS * 1_000))}
        </span>
      )}
      <span>
        {machine.code}
        {machine.plcId !== null && ` · ${machine.plcId}`}
      </span>
    </p>
  );
}
