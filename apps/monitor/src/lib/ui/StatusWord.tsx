import { getEquipmentColor } from '@/lib/board/getEquipmentColor';
import { useStrings } from '@/lib/i18n/useStrings';
import type { Status } from '@/lib/types/equipment';
import controls from './controls.module.css';
import { StatusIcon } from '@/lib/ui/StatusIcon';

const LIVE_TAGS = { status_tag: 0, error_tag: 0, connection: true };

/** A status in colour, sign and word; what nobody saw has neither of the first two. */
export function StatusWord({ status }: { readonly status: Status | 'unseen' }) {
  const strings = useStrings();
  if (status === 'unseen')
    return <span className={controls.soft}>{strings.detail.unobserved}</span>;
  return (
    <span className={controls.status} data-color={getEquipmentColor({ status, tags: LIVE_TAGS })}>
      <StatusIcon status={status} />
      {strings.status[status]}
    </span>
  );
}
