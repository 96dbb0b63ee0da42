import { type CSSProperties, memo, useState } from 'react';
import { EquipmentStatusBox } from '@/features/board/EquipmentStatusBox';
import { useSession } from '@/lib/hooks/useSession';
import { useStrings } from '@/lib/i18n/useStrings';
import { locate } from '@/lib/rest/server';
import type { LineSession } from '@/lib/session/lineSession';
import styles from './FloorPlan.module.css';

interface FloorPlanProps {
  readonly session: LineSession;
  readonly codes: readonly string[];
  readonly onOpen: (code: string) => void;
}

const DEFAULT_ASPECT = 16 / 9;

/** The line where it stands: machines at their percent of the plan, the others listed beside it. */
export const FloorPlan = memo(function FloorPlan({ session, codes, onOpen }: FloorPlanProps) {
  const strings = useStrings();
  const machines = useSession(session, (state) => state.board.machines);
  const imageUrl = useSession(session, (state) => state.line?.floor_plan_url ?? null);
  const [aspect, setAspect] = useState(DEFAULT_ASPECT);
  const placed = codes.filter((code) => machines.get(code)?.position != null);
  const unplaced = codes.filter((code) => machines.get(code)?.position == null);
  const box = (code: string) => (
    <EquipmentStatusBox
      session={session}
      code={code}
      variant="marker"
      detail="name"
      isTabStop={true}
      onOpen={onOpen}
    />
  );
  return (
    <div className={styles.frame}>
      <div className={styles.stage}>
        <div className={styles.plan} style={{ '--aspect': aspect } as CSSProperties}>
          {imageUrl !== null && (
            <img
              className={styles.image}
              src={locate(imageUrl).href}
              alt=""
              onLoad={({ currentTarget: { naturalWidth, naturalHeight } }) => {
                if (naturalHeight > 0) setAspect(naturalWidth / naturalHeight);
              }}
            />
          )}
          <ul className={styles.markers} aria-label={strings.board.planTitle}>
            {placed.map((code) => {
              const position = machines.get(code)?.position ?? { x: 0, y: 0 };
              return (
                <li
                  key={code}
                  className={styles.marker}
                  style={{ left: `${position.x}%`, top: `${position.y}%` }}
                >
                  {box(code)}
                </li>
              );
            })}
          </ul>
        </div>
      </div>
      {unplaced.length > 0 && (
        <section className={styles.aside} aria-label={strings.board.unplaced}>
          <h2>{strings.board.unplaced}</h2>
          <ul>
            {unplaced.map((code) => (
              <li key={code}>{box(code)}</li>
            ))}
          </ul>
        </section>
      )}
    </div>
  );
});
