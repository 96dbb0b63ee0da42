/** From a machine's reason to the facts that its sentence mentions. Pure. */
import type { Machine } from '@/lib/board/board';
import type { ReasonFacts, Strings } from '@/lib/i18n/strings';
import { formatCounter, formatDuration, parseTimeMs } from '@/lib/time/format';
import type { ReasonView } from '@/lib/types/generated';

export interface ReasonContext {
  readonly nowS: number;
  readonly strings: Strings;
}

/** Return what `reason` may say of `machine`, by its own limits, at `context.nowS`, in words. */
export function getReasonFacts(
  machine: Machine,
  reason: ReasonView,
  context: ReasonContext,
): ReasonFacts {
  const words = context.strings.duration;
  const sinceMs = parseTimeMs(reason.since) ?? machine.sinceMs;
  const untilMs = parseTimeMs(reason.until);
  const leftS = untilMs === null ? null : Math.floor(untilMs / 1_000) - context.nowS;
  const { stopAfterS } = machine;
  const staleAfterS = (machine.staleAfterMs ?? 3_000) / 1_000;
  return {
    tag: reason.tag ?? '',
    value: formatValue(reason.value),
    plc: machine.plcId ?? 'PLC',
    lasted:
      sinceMs === null ? '' : formatDuration(context.nowS - Math.floor(sinceMs / 1_000), words),
    left: leftS === null ? null : formatCounter(leftS, words),
    stopAfter: stopAfterS === null || stopAfterS === 0 ? null : formatDuration(stopAfterS, words),
    staleAfter: formatDuration(Math.max(1, staleAfterS), words),
    detail: reason.detail,
  };
}

/** Return a tag's value as people at the machine write it. */
export function formatValue(value: ReasonView['value']): string {
  if (value === null) return '–';
  if (typeof value === 'boolean') return value ? '1' : '0';
  return String(value);
}
