import { type KeyboardEvent, memo, useRef, useState } from 'react';
import { type BoxDetail, EquipmentStatusBox } from '@/features/board/EquipmentStatusBox';
import { LineSummary } from '@/features/board/LineSummary';
import { fitGrid, type GridFit } from '@/lib/board/fitGrid';
import { useElementSize } from '@/lib/hooks/useElementSize';
import { useStrings } from '@/lib/i18n/useStrings';
import type { LineSession } from '@/lib/session/lineSession';
import styles from './EquipmentGrid.module.css';

interface EquipmentGridProps {
  readonly session: LineSession;
  readonly codes: readonly string[];
  readonly hasSummary: boolean;
  readonly onOpen: (code: string) => void;
}

/** On a long page the board is a phone's: a box keeps a readable height, whatever the page's is. */
const LONG_PAGE_ROW_PX = 188;
const SCROLLED_ROW_PX = 88;
/** As in the style sheet of the boxes: up to these heights there is no strip, and no reason. */
const NO_STRIP_PX = 150;
const NO_REASON_PX = 105;
const GRID_LIMITS = { gapPx: 10, minWidthPx: 96, minHeightPx: 84, aspect: 0.82 };

/** The boxes, as large as the space allows, without scrolling wherever they stay readable. */
export const EquipmentGrid = memo(function EquipmentGrid(props: EquipmentGridProps) {
  const { session, codes, hasSummary, onOpen } = props;
  const strings = useStrings();
  const listRef = useRef<HTMLUListElement>(null);
  const [frameRef, size] = useElementSize();
  const [activeCode, setActiveCode] = useState<string | null>(null);
  const tabStop = activeCode !== null && codes.includes(activeCode) ? activeCode : codes[0];
  const { isOnLongPage } = size;
  const fit = isOnLongPage ? fitWidth(codes.length, size.widthPx) : fitScreen(codes.length, size);
  const rowPx = isOnLongPage ? LONG_PAGE_ROW_PX : SCROLLED_ROW_PX;
  const detail = chooseDetail(fit.fits ? getFittedRowPx(fit, size.heightPx) : rowPx);
  const freeCells = fit.columns * fit.rows - codes.length;

  function move(event: KeyboardEvent): void {
    const index = codes.indexOf(tabStop ?? '');
    const target = getTarget(event.key, index, fit.columns, codes.length);
    const code = target === null ? undefined : codes[target];
    if (code === undefined) return;
    event.preventDefault();
    setActiveCode(code);
    const boxes = listRef.current?.querySelectorAll<HTMLElement>('[data-equipment-code]') ?? [];
    for (const box of boxes) if (box.dataset.equipmentCode === code) box.focus();
  }

  return (
    <div ref={frameRef} className={styles.frame} data-scrolls={fit.fits ? undefined : 'true'}>
      <ul
        ref={listRef}
        className={styles.grid}
        aria-label={strings.board.title}
        onKeyDown={move}
        style={{
          gridTemplateColumns: `repeat(${fit.columns}, minmax(0, 1fr))`,
          gridAutoRows: fit.fits ? 'minmax(0, 1fr)' : `${rowPx}px`,
        }}
      >
        {(size.widthPx > 0 ? codes : []).map((code) => (
          <li key={code} className={styles.cell} onFocus={() => setActiveCode(code)}>
            <EquipmentStatusBox
              session={session}
              code={code}
              variant="box"
              detail={detail}
              isTabStop={code === tabStop}
              onOpen={onOpen}
            />
          </li>
        ))}
        {hasSummary && freeCells > 0 && (
          <li
            className={styles.cell}
            style={{ gridColumn: `span ${Math.min(freeCells, fit.columns)}` }}
          >
            <LineSummary session={session} />
          </li>
        )}
      </ul>
    </div>
  );
});

function getFittedRowPx({ rows }: GridFit, heightPx: number): number {
  return (heightPx - GRID_LIMITS.gapPx * (rows - 1)) / rows;
}

/** Return what the style sheet shows in a box this high. In doubt more: then it is hidden there. */
function chooseDetail(heightPx: number): BoxDetail {
  if (heightPx > NO_STRIP_PX - 1) return 'full';
  return heightPx > NO_REASON_PX - 1 ? 'reason' : 'name';
}

function fitScreen(count: number, size: { widthPx: number; heightPx: number }): GridFit {
  return fitGrid(count, size.widthPx, size.heightPx, GRID_LIMITS);
}

function fitWidth(count: number, widthPx: number): GridFit {
  const columns = Math.max(1, Math.floor(widthPx / 170));
  return { columns, rows: Math.ceil(count / columns), fits: false };
}

function getTarget(key: string, index: number, columns: number, count: number): number | null {
  const targets: Readonly<Record<string, number>> = {
    ArrowLeft: index - 1,
    ArrowRight: index + 1,
    ArrowUp: index - columns,
    ArrowDown: index + columns,
    Home: 0,
    End: count - 1,
  };
  const target = targets[key];
  return target === undefined || target < 0 || target >= count ? null : target;
}
