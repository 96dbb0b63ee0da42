import { Suspense, useCallback, useEffect, useMemo, useState } from 'react';
import { Announcer } from '@/app/Announcer';
import { Banner } from '@/app/Banner';
import { isMemoryView, MemoryView } from '@/app/MemoryView';
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
import { LineMemoryContext, useMemoryZone, useNewLineMemory } from '@/lib/memory/useLineMemory';
import { useRoute } from '@/lib/navigation/useRoute';
import { lazyPanel } from '@/lib/panel/lazyPanel';
import { Panel } from '@/lib/panel/Panel';
import { createRest, getSocketUrl } from '@/lib/rest/rest';
import type { LineSession, SessionState } from '@/lib/session/lineSession';
import { ZoneContext } from '@/lib/time/useZone';
import type { Status } from '@/lib/types/equipment';
import styles from './LineBoard.module.css';

const rest = createRest();

/** Whoever only watches the present never loads it. */
const HistoryStage = lazyPanel(async () => (await import('@/app/HistoryStage')).HistoryStage);

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
  const [route, navigate] = useRoute();
  const [past, setPast] = useState<LineSession | null>(null);
  // A report is of a shift, and not of a moment.
  const isPast = route.atMs !== null && !isMemoryView(route.view);
  const { status, session } = useWebSocket(getSocketUrl(lineId), lineId);
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
    const title = lineName === null ? 'Lineside' : `${lineName} · Lineside`;
    document.title = isPast ? `${strings.header.past} · ${title}` : title;
  }, [lineName, isPast, strings]);
  const filterCodes = useCallback(
    (shown: LineSession) => (filter === null ? null : listFiltered(shown.getState(), filter)),
    [filter],
  );
  const lineIdNow = useSession(session, (state) => state.line?.id ?? null);
  const memory = useNewLineMemory(lineIdNow, session);
  const zone = useMemoryZone(memory);
  const codes = useVisibleCodes(session, filter);
  const Arrangement = settings.view === 'plan' ? FloorPlan : EquipmentGrid;
  return (
    <LineMemoryContext value={memory}>
      <ZoneContext value={zone}>
        <div className={styles.page} data-past={isPast ? 'true' : undefined}>
          <Panel>
            <Header
              session={past ?? session}
              isPast={isPast}
              filter={filter}
              onFilter={setFilter}
              onLine={onLine}
            />
          </Panel>
          <Panel>{!isPast && <Banner session={session} />}</Panel>
          {isMemoryView(route.view) ? (
            <Panel key={route.view}>
              <MemoryView view={route.view} session={session} memory={memory} />
            </Panel>
          ) : isPast || route.view !== 'board' ? (
            <Panel key="past">
              <Suspense fallback={<Waiting />}>
                {lineIdNow === null ? (
                  <Empty session={session} />
                ) : (
                  <HistoryStage
                    key={lineIdNow}
                    live={session}
                    lineId={lineIdNow}
                    route={route}
                    navigate={navigate}
                    filterCodes={filterCodes}
                    onShown={setPast}
                  />
                )}
              </Suspense>
            </Panel>
          ) : (
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
                  <Panel>
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
                  </Panel>
                </div>
              </main>
              <Panel>
                <AttentionPanel session={session} onOpen={setOpenCode} />
              </Panel>
            </div>
          )}
          {openCode !== null && !isPast && (
            <Panel key={openCode}>
              <EquipmentDetail
                session={session}
                rest={rest}
                code={openCode}
                onClose={() => setOpenCode(null)}
              />
            </Panel>
          )}
          {settings.isWall && (
            <button type="button" className={styles.leave} onClick={leaveWall}>
              {strings.header.leaveWall}
            </button>
          )}
          <Panel>{!isPast && <Announcer session={session} />}</Panel>
        </div>
      </ZoneContext>
    </LineMemoryContext>
  );
}

function Waiting() {
  return <main className={styles.empty}>{useStrings().board.loading}</main>;
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
    return listFiltered({ board, lateCodes }, filter).join('\n');
  });
  return useMemo(() => {
    if (joined === null) return order;
    return joined === '' ? [] : joined.split('\n');
  }, [order, joined]);
}

function listFiltered(
  { board, lateCodes }: Pick<SessionState, 'board' | 'lateCodes'>,
  filter: Status,
): readonly string[] {
  return listShown(board.order, board.machines, lateCodes).flatMap(({ machine, status }) =>
    status === filter ? [machine.code] : [],
  );
}
