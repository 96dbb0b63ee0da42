import styles from '@/features/detail/Section.module.css';
import { formatValue } from '@/lib/board/reasonFacts';
import { useSession } from '@/lib/hooks/useSession';
import { useStrings } from '@/lib/i18n/useStrings';
import type { LineSession } from '@/lib/session/lineSession';
import { formatDuration, parseTimeMs } from '@/lib/time/format';
import { useZone } from '@/lib/time/useZone';
import { formatZoneNearSecond } from '@/lib/time/zone';
import type { EquipmentDetailView, RawTagView } from '@/lib/types/generated';

interface RawTagsProps {
  readonly session: LineSession;
  readonly view: EquipmentDetailView | null;
}

/** The tags behind the status as the PLC gave them: address, value, quality, time of reading. */
export function RawTags({ session, view }: RawTagsProps) {
  const strings = useStrings();
  const words = strings.detail;
  return (
    <section className={styles.section} aria-labelledby="tags-title">
      <h3 id="tags-title">{words.tags}</h3>
      {view?.raw_tags.length === 0 && <p className={styles.soft}>{words.noTags}</p>}
      {view !== null && view.raw_tags.length > 0 && (
        <table className={styles.table}>
          <thead>
            <tr>
              <th scope="col">{words.role}</th>
              <th scope="col">{words.address}</th>
              <th scope="col">{words.value}</th>
              <th scope="col">{words.quality}</th>
              <th scope="col">{words.readAt}</th>
            </tr>
          </thead>
          <tbody>
            {view.raw_tags.map((tag) => (
              <TagRow key={tag.role} session={session} tag={tag} />
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function TagRow({ session, tag }: { readonly session: LineSession; readonly tag: RawTagView }) {
  const strings = useStrings();
  const zone = useZone();
  const readMs = parseTimeMs(tag.read_at);
  const readAt = useSession(session, (state) =>
    readMs === null ? strings.detail.never : formatZoneNearSecond(zone, readMs, state.nowS * 1_000),
  );
  const age = useSession(session, (state) =>
    readMs === null
      ? ''
      : formatDuration(state.nowS - Math.floor(readMs / 1_000), strings.duration),
  );
  return (
    <tr>
      <th scope="row">{strings.role[tag.role]}</th>
      <td>
        <code>{tag.address}</code>
      </td>
      <td>
        <b>{formatValue(tag.value)}</b>
      </td>
      <td data-quality={tag.quality}>
        {strings.quality[tag.quality]}
        {tag.reason !== '' && <small>{tag.reason}</small>}
      </td>
      <td>
        {readAt}
        {readMs !== null && <small>{strings.detail.ago(age)}</small>}
      </td>
    </tr>
  );
}
