import { useState } from 'react';
import { announceChanges } from '@/lib/board/announce';
import { ATTEMPTS_MAX } from '@/lib/connection/connection';
import { useSession } from '@/lib/hooks/useSession';
import { useShown } from '@/lib/hooks/useShown';
import { useStrings } from '@/lib/i18n/useStrings';
import type { LineSession } from '@/lib/session/lineSession';

/** Says changes of machines and of the connection to people who cannot see them; never ticks. */
export function Announcer({ session }: { readonly session: LineSession }) {
  const strings = useStrings();
  const shown = useShown(session);
  const phase = useSession(session, (state) => state.connection.phase);
  const [lastShown, setLastShown] = useState(shown);
  const [text, setText] = useState('');
  // While rendering, not in an effect: what is said and what is shown are one commit.
  if (shown !== lastShown) {
    const before = new Map(lastShown.map(({ machine, status }) => [machine.code, status]));
    const said = announceChanges(before, shown, strings);
    setLastShown(shown);
    if (said !== '') setText(said);
  }
  const connection = {
    connecting: '',
    live: strings.connection.connected,
    stale: strings.connection.staleTitle,
    reconnecting: strings.connection.reconnecting(1, ATTEMPTS_MAX).replace(/ \d.*$/, ''),
    failed: strings.connection.failedTitle,
  }[phase];
  return (
    <div className="visually-hidden">
      <p role="status" data-live="machines">
        {text}
      </p>
      <p role="status" data-live="connection">
        {connection}
      </p>
    </div>
  );
}
