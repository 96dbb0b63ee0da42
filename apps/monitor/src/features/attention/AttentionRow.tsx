import { useCallback } from 'react';
import type { AttentionItem } from '@/lib/board/attention';
import { getEquipmentColor } from '@/lib/board/getEquipmentColor';
import { getReasonFacts } from '@/lib/board/reasonFacts';
import { useLiveText } from '@/lib/hooks/useLiveText';
import { useSession } from '@/lib/hooks/useSession';
import type { Strings } from '@/lib/i18n/strings';
import { useStrings } from '@/lib/i18n/useStrings';
import { findPlcAlarm, listMachineAlarms, type LineMemoryState } from '@/lib/memory/lineMemory';
import { useLineMemory } from '@/lib/memory/useLineMemory';
import type { LineSession, SessionState } from '@/lib/session/lineSession';
import { formatCounter } from '@/lib/time/format';
import { useZone } from '@/lib/time/useZone';
import { formatZoneNear, type Zone } from '@/lib/time/zone';
import { StatusIcon } from '@/lib/ui/StatusIcon';
import styles from './AttentionRow.module.css';

interface AttentionRowProps {
  readonly session: LineSession;
  readonly item: AttentionItem;
  readonly onOpen: (code: string) => void;
}

const PART_END = '\n';
const LIVE_TAGS = { status_tag: 0, error_tag: 0, connection: true };

/** One thing that needs someone; pressing it opens its machine, or the first of them. */
export function AttentionRow({ session, item, onOpen }: AttentionRowProps) {
  const strings = useStrings();
  const zone = useZone();
  const { sinceMs } = item;
  const { duration } = strings;
  const selectTime = useCallback(
    ({ nowS }: SessionState) =>
      sinceMs === null ? '' : formatCounter(nowS - Math.floor(sinceMs / 1_000), duration),
    [sinceMs, duration],
  );
  const memo = useLineMemory((state) => describeMemory(item, state, strings, zone));
  const note = useSession(session, (state) => describeNote(item, state, strings));
  const code = item.kind === 'machine' ? item.machine.code : item.codes[0];
  return (
    <button
      type="button"
      className={styles.row}
      data-color={getEquipmentColor({ status: item.status, tags: LIVE_TAGS })}
      data-attention={item.kind}
      onClick={() => code !== undefined && onOpen(code)}
    >
      <StatusIcon status={item.status} className={styles.icon ?? ''} />
      <span className={styles.text}>
        <span className={styles.title}>{describeTitle(item, strings)}</span>
        <span className={styles.note}>{note}</span>
        {memo !== '' && (
          <span className={`${styles.note} ${styles.memo}`} data-memory>
            {memo.split(PART_END).map((part) => (
              <span key={part}>{part} </span>
            ))}
          </span>
        )}
      </span>
      <span ref={useLiveText(session, selectTime)} className={styles.time} />
    </button>
  );
}

/** Since when, who has taken it up, and how often it was so today; a line for each. */
function describeMemory(
  item: AttentionItem,
  state: LineMemoryState,
  strings: Strings,
  zone: Zone,
): string {
  const timeOf = (ms: number): string => formatZoneNear(zone, ms);
  const words = strings.memory;
  if (item.kind === 'page') return '';
  const isPlc = item.kind === 'plc';
  const alarm = isPlc
    ? findPlcAlarm(state, item.plcId)
    : (listMachineAlarms(state.alarms, item.machine.code, item.machine.plcId)[0] ?? null);
  const today = isPlc ? undefined : state.today.get(item.machine.code);
  const said = item.sinceMs === null ? [] : [strings.detail.since(timeOf(item.sinceMs))];
  if (alarm !== null && alarm.acknowledged_by !== null && alarm.acknowledged !== null) {
    const time = timeOf(Date.parse(alarm.acknowledged));
    said.push(words.acknowledgedBy(alarm.acknowledged_by, time));
  } else if (alarm !== null) {
    said.push(words.unacknowledged);
  }
  if (today !== undefined && today.failures + today.stops > 0) {
    said.push(words.today(today.failures, today.stops));
  }
  return said.join(PART_END);
}

function describeTitle(item: AttentionItem, strings: Strings): string {
  switch (item.kind) {
    case 'machine':
      return item.machine.name;
    case 'plc':
      return strings.attention.plcLost(item.plcId, item.codes.length);
    case 'page':
      return strings.attention.pageDeaf(item.codes.length);
  }
}

function describeNote(item: AttentionItem, state: SessionState, strings: Strings): string {
  if (item.kind === 'page') return strings.attention.pageDeafText;
  if (item.kind === 'plc') {
    return item.codes.map((code) => state.board.machines.get(code)?.name ?? code).join(', ');
  }
  const word = strings.status[item.status];
  const { reason } = item.machine;
  if (reason === null) return word;
  const facts = getReasonFacts(item.machine, reason, { nowS: state.nowS, strings });
  return `${word} · ${strings.reason[reason.code](facts)}`;
}
