import { useMemo, useState } from 'react';
import { AttentionRow } from '@/features/attention/AttentionRow';
import { RecentChanges } from '@/features/attention/RecentChanges';
import { listAttention } from '@/lib/board/attention';
import { useSession } from '@/lib/hooks/useSession';
import { useShown } from '@/lib/hooks/useShown';
import { useStrings } from '@/lib/i18n/useStrings';
import type { LineSession } from '@/lib/session/lineSession';
import styles from './AttentionPanel.module.css';

interface AttentionPanelProps {
  readonly session: LineSession;
  readonly onOpen: (code: string) => void;
}

/** What needs someone, worst and longest first, and what changed last. A drawer on a phone. */
export function AttentionPanel({ session, onOpen }: AttentionPanelProps) {
  const strings = useStrings();
  const [isDrawerOpen, setDrawerOpen] = useState(false);
  const shown = useShown(session);
  const plcs = useSession(session, (state) => state.board.plcs);
  const lateSinceMs = useSession(session, (state) => state.lateSinceMs);
  const items = useMemo(() => listAttention(shown, plcs, lateSinceMs), [shown, plcs, lateSinceMs]);
  const toggleLabel = isDrawerOpen ? strings.attention.hide : strings.attention.show(items.length);
  return (
    <aside className={styles.panel} data-open={isDrawerOpen ? 'true' : undefined}>
      <button
        type="button"
        className={styles.handle}
        aria-expanded={isDrawerOpen}
        onClick={() => setDrawerOpen(!isDrawerOpen)}
      >
        {toggleLabel}
      </button>
      <div className={styles.content}>
        <section className={styles.attention} aria-labelledby="attention-title">
          <h2 id="attention-title" className={styles.title}>
            {strings.attention.title}
            <b data-none={items.length === 0 ? 'true' : undefined}>{items.length}</b>
          </h2>
          {items.length === 0 ? (
            <p className={styles.none}>
              <strong>{strings.attention.none}</strong>
              {strings.attention.noneText}
            </p>
          ) : (
            <ul className={styles.list}>
              {items.map((item) => (
                <li key={keyOf(item)}>
                  <AttentionRow session={session} item={item} onOpen={onOpen} />
                </li>
              ))}
            </ul>
          )}
        </section>
        <RecentChanges session={session} onOpen={onOpen} />
      </div>
    </aside>
  );
}

function keyOf(item: ReturnType<typeof listAttention>[number]): string {
  if (item.kind === 'machine') return item.machine.code;
  return item.kind === 'plc' ? `plc ${item.plcId}` : 'page';
}
