import { useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { Scrubber } from '@/features/time-machine/Scrubber';
import { useTimelineStrings } from '@/lib/i18n/useTimelineStrings';
import type { LineSession } from '@/lib/session/lineSession';
import type { Zone } from '@/lib/time/zone';
import { SPEEDS } from '@/lib/timeline/playback';
import type { TimeMachine } from '@/lib/timeline/timeMachine';
import type { TimelineStore } from '@/lib/timeline/timelineStore';
import type { ViewportStore } from '@/lib/timeline/viewportStore';
import styles from './TimeDock.module.css';

interface TimeDockProps {
  readonly machine: TimeMachine;
  readonly live: LineSession;
  readonly store: TimelineStore;
  readonly viewport: ViewportStore;
  readonly zone: Zone;
  /** Below the timeline itself there is no need of another one. */
  readonly hasScrubber: boolean;
}

/** Play, step and drag through the past. */
export function TimeDock({ machine, live, store, viewport, zone, hasScrubber }: TimeDockProps) {
  const words = useTimelineStrings();
  const isPlaying = useSyncExternalStore(
    machine.subscribe,
    () => machine.getState().playback.playedMs !== null,
  );
  const speed = useSyncExternalStore(machine.subscribe, () => machine.getState().playback.speed);
  return (
    <section
      className={styles.dock}
      data-low={hasScrubber ? undefined : 'true'}
      aria-label={words.controls}
    >
      <div className={styles.controls}>
        <DockButton
          label={words.previousChange}
          path="M18 5v14L8 12zM6 5v14"
          onPress={() => machine.step(-1)}
        />
        <DockButton
          label={isPlaying ? words.pause : words.play}
          path={isPlaying ? 'M7 5v14M17 5v14' : 'M7 4v16l13-8z'}
          isMain
          onPress={machine.togglePlay}
        />
        <DockButton
          label={words.nextChange}
          path="M6 5v14l10-7zM18 5v14"
          onPress={() => machine.step(1)}
        />
        <div className={styles.speeds} role="group" aria-label={words.speed}>
          {SPEEDS.map((choice) => (
            <button
              key={choice}
              type="button"
              aria-pressed={choice === speed}
              onClick={() => machine.setSpeed(choice)}
            >
              {choice}×
            </button>
          ))}
        </div>
        <CopyLink />
      </div>
      {hasScrubber && (
        <Scrubber machine={machine} live={live} store={store} viewport={viewport} zone={zone} />
      )}
    </section>
  );
}

interface DockButtonProps {
  readonly label: string;
  readonly path: string;
  readonly isMain?: boolean;
  readonly onPress: () => void;
}

function DockButton({ label, path, isMain = false, onPress }: DockButtonProps) {
  return (
    <button
      type="button"
      className={styles.button}
      data-main={isMain ? 'true' : undefined}
      aria-label={label}
      title={label}
      onClick={onPress}
    >
      <svg viewBox="0 0 24 24" aria-hidden="true">
        <path d={path} />
      </svg>
    </button>
  );
}

const SAID_MS = 2_000;

/** The address is the link; this saves the walk to the address bar, where there is one. */
function CopyLink() {
  const words = useTimelineStrings();
  const [isCopied, setCopied] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  async function copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(window.location.href);
    } catch {
      // Without TLS browsers keep the clipboard to themselves; the address bar still has the link.
      return;
    }
    setCopied(true);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setCopied(false), SAID_MS);
  }
  if (!window.isSecureContext) return null;
  return (
    <button type="button" className={styles.copy} onClick={() => void copy()}>
      <span aria-live="polite">{isCopied ? words.copied : words.copyLink}</span>
    </button>
  );
}
