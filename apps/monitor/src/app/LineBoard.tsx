import { useCallback, useEffect, useMemo, useState } from 'react';
import { Announcer } from '@/app/Announcer';
import { Banner } from '@/app/Banner';
import { AttentionPanel } from '@/features/attention/AttentionPanel';
import { EquipmentGrid } from '@/features/board/EquipmentGrid';
import { FloorPlan } from '@/features/board/FloorPlan';
import { EquipmentDetail } from '@/features/detail/EquipmentDetail';
import { Header } from '@/features/header/Header';
import { useBuildReload } from '@/features/wall/useBuildReload';
import { useWallMode } from '@/features/wall/useWallMode';
import { listShown } from '@/lib/board/shown';
import { useSession } from '@/lib/hooks/useSession';
import { useSettings } from '@/lib/hooks/useSettings';
import { useWebSocket } from '@/lib/hooks/useWebSocket';
import { useStrings } from '@/lib/i18n/useStrings';
import { createRest, getSocketUrl, serverOrigin } from '@/lib/rest/rest';
import { type LineSession } from '@/lib/session/lineSession';
import type { Status } from '@/lib/types/equipment';
import styles from './LineBoard.module.css';

const rest = createRest(serverOrigin);

interface LineBoardProps {
  /** Null: the default line. */
  readonly lineId: string | null;
  readonly onLine: (lineId: string) => void;
}

/** One line from header to dialog. A change of line starts it anew, connection and all. */
export function LineBoard({ lineId, onLine }: LineBoardProps) {
  const strings = useStrings();
  const [settings, setSettings] = useSettings();
  const [filter, setFilter] = useState<Status | null>(null);
  const [openCode, setOpenCode] = useState<string | null>(null);
  const { status, session } = useWebSocket(getSocketUrl(serverOrigin, lineId), lineId);
  const phase = useSession(session, (state) => state.connection.phase);
  const lineName = useSession(session, (state) => state.line?.name ?? null);
  const count = useSession(session, (state) => state.board.order.length);
  const leaveWall = useCallback(() => setSettings({ isWall: false }), [setSettings]);
  useWallMode(settings.isWall, leaveWall);
  useBuildReload(settings.isWall, session, rest);
  useEffect(() => {
    document.documentElement.dataset.connection = status;
    document.documentElement.dataset.phase = phase;
  }, [status, phase]);
  useEffect(() => {
    document.title = lineName === null ? 'Lineside' : `${lineName} · Lineside`;
  }, [lineName]);
  const codes = useVisibleCodes(session, filter);
  const Arrangement = settings.view === 'plan' ? FloorPlan : EquipmentGrid;
  return (
    <div className={styles.page}>
      <Header session={session} filter={filter} onFilter={setFilter} onLine={onLine} />
      <Banner session={session} />
      <div className={styles.body}>
        <main className={styles.main}>
          {filter !== null && (
            <p className={styles.filter}>
              <span>
                <b>{strings.status[filter]}</b> {strings.board.filtered(codes.length, count)}
              </span>
              <button type="button" onClick={() => setFilter(null)}>
                {strings.board.clearFilter}
              </button>
            </p>
          )}
          <div className={styles.stage}>
            {count === 0 ? (
              <Empty session={session} />
            ) : (
              <Arrangement
                session={session}
                codes={codes}
                hasSummary={filter === null}
                onOpen={setOpenCode}
              />
            )}
          </div>
        </main>
        <AttentionPanel session={session} onOpen={setOpenCode} />
      </div>
      {openCode !== null && (
        <EquipmentDetail
          key={openCode}
          session={session}
          rest={rest}
          code={openCode}
          onClose={() => setOpenCode(null)}
        />
      )}
      {settings.isWall && (
        <button type="button" className={styles.leave} onClick={leaveWall}>
          {strings.header.leaveWall}
        </button>
      )}
      <Announcer session={session} />
    </div>
  );
}

/** Nothing to show: not yet, or not here. */
function Empty({ session }: { readonly session: LineSession }) {
  const words = useStrings().board;
  const phase = useSession(session, (state) => state.connection.phase);
  const line = useSession(session, (state) => state.line);
  const lines = useSession(session, (state) => state.lines);
  if (line === null && lines.length > 0) {
    return (
      <div className={styles.empty}>
        <p>{words.unknownLine}</p>
        <ul>
          {lines.map(({ id, name }) => (
            <li key={id}>
              <a href={`?line=${encodeURIComponent(id)}`}>{name}</a>
            </li>
          ))}
        </ul>
      </div>
    );
  }
  const isKnown = phase === 'live' && line !== null;
  return <p className={styles.empty}>{isKnown ? words.empty : words.loading}</p>;
}

/** Return the codes of the machines that `filter` lets through; the same list while it stays so. */
function useVisibleCodes(session: LineSession, filter: Status | null): readonly string[] {
  const order = useSession(session, (state) => state.board.order);
  const joined = useSession(session, ({ board, lateCodes }) => {
    if (filter === null) return null;
    return listShown(board.order, board.machines, lateCodes)
      .flatMap(({ machine, status }) => (status === filter ? [machine.code] : []))
      .join('\n');
  });
  return useMemo(() => {
    if (joined === null) return order;
    return joined === '' ? [] : joined.split('\n');
  }, [order, joined]);
}
