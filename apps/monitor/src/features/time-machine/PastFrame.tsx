import { useSyncExternalStore } from 'react';
import { useSession } from '@/lib/hooks/useSession';
import { useTimelineStrings } from '@/lib/i18n/useTimelineStrings';
import type { LineSession } from '@/lib/session/lineSession';
import { formatZoneMoment, isOnScreensClock, type Zone } from '@/lib/time/zone';
import type { TimeMachine } from '@/lib/timeline/timeMachine';
import styles from './PastFrame.module.css';

interface PastFrameProps {
  readonly machine: TimeMachine;
  readonly live: LineSession;
  readonly zone: Zone;
  readonly onLive: () => void;
}

/** Around the whole page and across its top: this is the past. Nobody can take it for the present. */
export function PastFrame({ machine, live, zone, onLive }: PastFrameProps) {
  const words = useTimelineStrings();
  const moment = useSyncExternalStore(machine.subscribe, () =>
    formatZoneMoment(zone, machine.getState().playback.atMs),
  );
  const isKnown = useSyncExternalStore(machine.subscribe, () => machine.getState().isKnown);
  const unseen = useSyncExternalStore(machine.subscribe, () => machine.getState().unseenCount);
  const deleted = useSyncExternalStore(
    machine.subscribe,
    () => machine.getState().deletedCodes.size,
  );
  const missing = [
    ...(unseen > deleted ? [words.unseenCount(unseen - deleted)] : []),
    ...(deleted > 0 ? [words.deletedCount(deleted)] : []),
  ];
  const isForeign = useSyncExternalStore(
    machine.subscribe,
    () => !isOnScreensClock(zone, machine.getState().playback.atMs),
  );
  const phase = useSession(live, (state) => state.connection.phase);
  const liveWords = phase === 'live' ? words.liveGoesOn : words.liveBroken;
  return (
    <>
      <section className={styles.banner} aria-label={words.pastRegion} data-banner="past">
        <p className={styles.moment}>
          <strong>{words.past}</strong> <time data-moment="">{moment}</time>
        </p>
        <p className={styles.words}>
          <b>
            {words.notLive}
            {zone.name !== null && isForeign && ` · ${words.clock(zone.name)}`}
          </b>
          <span>
            {isKnown ? (missing.length > 0 ? missing.join(' · ') : liveWords) : words.loading}
          </span>
        </p>
        <button type="button" onClick={onLive} aria-keyshortcuts="Escape">
          {words.backToLive} <kbd>Esc</kbd>
        </button>
      </section>
      <div className={styles.frame} aria-hidden="true" />
    </>
  );
}
