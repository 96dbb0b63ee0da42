import { useEffect, useRef, useState } from 'react';
import { announceChanges, type ShownStatuses } from '@/lib/board/announce';
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
  const lastShown = useRef<ShownStatuses>(new Map());
  const [text, setText] = useState('');
  useEffect(() => {
    const said = announceChanges(lastShown.current, shown, strings);
    lastShown.current = new Map(shown.map(({ machine, status }) => [machine.code, status]));
    if (said !== '') setText(said);
  }, [shown, strings]);
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
