import { ATTEMPTS_MAX, type Connection } from '@/lib/connection/connection';
import { useSession } from '@/lib/hooks/useSession';
import type { Strings } from '@/lib/i18n/strings';
import { useStrings } from '@/lib/i18n/useStrings';
import type { LineSession } from '@/lib/session/lineSession';
import { formatAge } from '@/lib/time/format';
import styles from './ConnectionPill.module.css';

/** Whether the page can hear, and how old the oldest value is that it shows as live. */
export function ConnectionPill({ session }: { readonly session: LineSession }) {
  const strings = useStrings();
  const connection = useSession(session, (state) => state.connection);
  const malformedCount = useSession(session, (state) => state.malformedCount);
  const age = useSession(session, ({ dataAgeMs }) =>
    dataAgeMs === null ? null : formatAge(dataAgeMs),
  );
  const title = malformedCount === 0 ? undefined : strings.connection.malformed(malformedCount);
  return (
    <div className={styles.connection}>
      <span className={styles.pill} data-phase={connection.phase} title={title}>
        <i className={styles.dot} aria-hidden="true" />
        {describe(connection, strings)}
        {malformedCount > 0 && (
          <span className={styles.malformed}>
            {strings.connection.malformedShort(malformedCount)}
          </span>
        )}
      </span>
      <span className={styles.age} title={strings.header.dataAgeTitle}>
        {age === null ? strings.header.noData : strings.header.dataAge(age)}
      </span>
    </div>
  );
}

function describe(connection: Connection, strings: Strings): string {
  switch (connection.phase) {
    case 'connecting':
      return strings.connection.connecting;
    case 'live':
      return strings.connection.connected;
    case 'stale':
      return strings.connection.stale;
    case 'reconnecting':
      return strings.connection.reconnecting(connection.attempt, ATTEMPTS_MAX);
    case 'failed':
      return strings.connection.failed;
  }
}
