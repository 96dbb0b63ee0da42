import { AlarmCount } from '@/features/header/AlarmCount';
import { ConnectionPill } from '@/features/header/ConnectionPill';
import { SettingsMenu } from '@/features/header/SettingsMenu';
import { StatusCounts } from '@/features/header/StatusCounts';
import { ViewTabs } from '@/features/header/ViewTabs';
import { useSession } from '@/lib/hooks/useSession';
import { useSettings } from '@/lib/hooks/useSettings';
import { useStrings } from '@/lib/i18n/useStrings';
import type { LineSession } from '@/lib/session/lineSession';
import { formatDuration } from '@/lib/time/format';
import { getScreenAheadMs } from '@/lib/time/serverClock';
import { useZone } from '@/lib/time/useZone';
import { formatZoneSecond, isOnScreensClock } from '@/lib/time/zone';
import type { Status } from '@/lib/types/equipment';
import styles from './Header.module.css';

interface HeaderProps {
  readonly session: LineSession;
  /** What is shown is not the present: nothing of the present stands beside it. */
  readonly isPast: boolean;
  readonly filter: Status | null;
  readonly onFilter: (status: Status | null) => void;
  readonly onLine: (lineId: string) => void;
}

/** The line's name, its counts, the connection and the clock; in wall mode nothing to press. */
export function Header({ session, isPast, filter, onFilter, onLine }: HeaderProps) {
  const strings = useStrings();
  const [settings] = useSettings();
  const isDemo = useSession(session, (state) => state.server?.is_demo ?? false);
  return (
    <header className={styles.header}>
      <div className={styles.parts}>
        <div className={styles.identity}>
          <LineName session={session} onLine={onLine} />
          {isDemo && (
            <span className={styles.demo} title={strings.header.demoTitle}>
              {strings.header.demo}
            </span>
          )}
        </div>
        {!settings.isWall && <ViewTabs isPast={isPast} />}
        <StatusCounts session={session} filter={filter} onFilter={onFilter} />
        <div className={styles.truth}>
          {!isPast && settings.isWall && <AlarmCount isNamed />}
          {!isPast && <ConnectionPill session={session} />}
          {!isPast && <Clock session={session} />}
        </div>
        {!settings.isWall && <SettingsMenu />}
      </div>
    </header>
  );
}

function LineName({ session, onLine }: Pick<HeaderProps, 'session' | 'onLine'>) {
  const strings = useStrings();
  const lines = useSession(session, (state) => state.lines);
  const line = useSession(session, (state) => state.line);
  const [settings] = useSettings();
  if (lines.length < 2 || line === null || settings.isWall) {
    return <h1 className={styles.line}>{line?.name ?? 'Lineside'}</h1>;
  }
  return (
    <h1 className={styles.line}>
      <select
        className={styles.select}
        aria-label={strings.header.line}
        value={line.id}
        onChange={(event) => onLine(event.currentTarget.value)}
      >
        {lines.map(({ id, name }) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </select>
    </h1>
  );
}

/** Nobody has said yet what time it is; as wide as a time, so that nothing moves. */
const NO_TIME = '––:––:––';

/**
 * The plant's clock, as the server has it; under it whose it is, on a screen in another zone, and
 * how wrong the screen's own is.
 */
function Clock({ session }: { readonly session: LineSession }) {
  const strings = useStrings();
  const words = strings.header;
  const zone = useZone();
  const nowMs = useSession(session, (state) => state.nowS) * 1_000;
  const isHeard = useSession(session, (state) => state.board.asOf !== null);
  const aheadMs = useSession(session, (state) => getScreenAheadMs(state.board.asOf));
  const off = aheadMs === null ? '' : formatDuration(Math.abs(aheadMs) / 1_000, strings.duration);
  return (
    <div className={styles.clock}>
      <time>{isHeard ? formatZoneSecond(zone, nowMs) : NO_TIME}</time>
      {aheadMs !== null && (
        <small data-screen-clock={aheadMs > 0 ? 'ahead' : 'behind'} title={words.screenClockTitle}>
          {aheadMs > 0 ? words.screenAhead(off) : words.screenBehind(off)}
        </small>
      )}
      {zone.name !== null && !isOnScreensClock(zone, nowMs) && (
        <small data-zone={zone.name} title={`${words.plantTime} ${zone.name}`}>
          <span>{words.plantTime} </span>
          {zone.name}
        </small>
      )}
    </div>
  );
}
