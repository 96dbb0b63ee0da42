/** What a screen reader hears when machines change. Pure. */
import type { ShownMachine } from '@/lib/board/attention';
import type { Strings } from '@/lib/i18n/strings';
import { STATUSES, type Status } from '@/lib/types/equipment';

export type ShownStatuses = ReadonlyMap<string, Status>;

/** More changes to one status at once are told as a number. */
const NAMED_MAX = 3;

/** Return one sentence for what changed from `before` to `shown`, most urgent first, or "". */
export function announceChanges(
  before: ShownStatuses,
  shown: readonly ShownMachine[],
  strings: Strings,
): string {
  const changed = shown.filter(({ machine, status }) => {
    const last = before.get(machine.code);
    return last !== undefined && last !== status;
  });
  return STATUSES.flatMap((status) => {
    const group = changed.filter((item) => item.status === status);
    const word = strings.status[status];
    if (group.length > NAMED_MAX) return [strings.live.machines(group.length, word)];
    return group.map(({ machine }) => strings.live.machine(machine.name, word));
  }).join('. ');
}
