import { useSession } from '@/lib/hooks/useSession';
import { useStrings } from '@/lib/i18n/useStrings';
import type { LineSession } from '@/lib/session/lineSession';
import styles from './Banner.module.css';

/** Why nothing on the screen may be believed, and what can be done; or what the server complains of. */
export function Banner({ session }: { readonly session: LineSession }) {
  const words = useStrings().connection;
  const phase = useSession(session, (state) => state.connection.phase);
  const notice = useSession(session, (state) => state.connection.notice);
  const isHistoryBehind = useSession(session, (state) => state.server?.is_history_behind ?? false);
  const isOriginRefused = useSession(session, (state) => state.isOriginRefused);
  if (isOriginRefused && phase !== 'live') {
    return (
      <div className={styles.banner} role="alert" data-banner="refused">
        <p>
          <strong>{words.refusedTitle}</strong> {words.refusedText(window.location.origin)}
        </p>
        <button type="button" onClick={session.reconnect}>
          {words.reconnect}
        </button>
      </div>
    );
  }
  if (phase === 'failed') {
    return (
      <div className={styles.banner} role="alert" data-banner="failed">
        <p>
          <strong>{words.failedTitle}</strong> {words.failedText}
        </p>
        <button type="button" onClick={session.reconnect}>
          {words.reconnect}
        </button>
      </div>
    );
  }
  if (phase === 'stale') {
    return (
      <div className={styles.banner} role="alert" data-banner="stale">
        <p>
          <strong>{words.staleTitle}</strong> {words.staleText}
        </p>
      </div>
    );
  }
  if (notice !== null) {
    return (
      <div className={styles.banner} role="alert" data-banner="notice">
        <p>{words.notice(notice)}</p>
        <button type="button" onClick={session.dismissNotice}>
          {words.dismiss}
        </button>
      </div>
    );
  }
  if (isHistoryBehind && phase === 'live') {
    return (
      <div className={styles.banner} role="status" data-banner="history">
        <p>
          <strong>{words.historyTitle}</strong> {words.historyText}
        </p>
      </div>
    );
  }
  return null;
}
