/** Words of the past that the schema has no name for. Everything else is in `generated.ts`. */
import type { AlarmState, TimelineLaneView } from '@/lib/types/generated';

/** One stretch of a lane: [begin_ms, end_ms, status, reason]. */
export type TimelineInterval = TimelineLaneView['intervals'][number];

export const ALARM_STATES = [
  'unacknowledged',
  'acknowledged',
  'returned_unacknowledged',
  'shelved',
  'suppressed',
  'normal',
] as const satisfies readonly AlarmState[];

/** Every state of an alarm that is not over. */
export const ACTIVE_STATES = ALARM_STATES.filter((state) => state !== 'normal');
