/** From the audit of a machine to what was written about one of its stops. Pure. */
import type { AuditEntryView, StopView } from '@/lib/types/generated';

export interface StopChange {
  readonly id: number;
  readonly at: string;
  readonly by: string;
  readonly kind: 'reason' | 'split' | 'merge';
  /** Of `reason`: the code that was there, and the one that is there since. */
  readonly before: string | null;
  readonly after: string | null;
  readonly comment: string;
  /** Of `split` and `merge`: where. */
  readonly momentMs: number | null;
}

const KINDS = { 'stop.reason': 'reason', 'stop.split': 'split', 'stop.merge': 'merge' } as const;

/** Return what was written about `stop` or about what is now a part of it, in the order given. */
export function readAudit(
  entries: readonly AuditEntryView[],
  stop: Pick<StopView, 'code' | 'begin' | 'end'>,
): readonly StopChange[] {
  const beginMs = Date.parse(stop.begin);
  const endMs = stop.end === null ? Infinity : Date.parse(stop.end);
  return entries.flatMap((entry): readonly StopChange[] => {
    const kind = KINDS[entry.action as keyof typeof KINDS] as StopChange['kind'] | undefined;
    const separator = entry.subject.lastIndexOf('@');
    if (kind === undefined || entry.subject.slice(0, separator) !== stop.code) return [];
    const momentMs = kind === 'reason' ? null : getNumber(entry.after, 'at_ms');
    const ownMs = Number(entry.subject.slice(separator + 1));
    const isInside = (ms: number | null): boolean => ms !== null && ms >= beginMs && ms <= endMs;
    if (!isInside(ownMs) && !isInside(momentMs)) return [];
    return [
      {
        id: entry.id,
        at: entry.at,
        by: entry.by,
        kind,
        before: kind === 'reason' ? getText(entry.before, 'reason') : null,
        after: kind === 'reason' ? getText(entry.after, 'reason') : null,
        comment: getText(entry.after, 'comment') ?? '',
        momentMs,
      },
    ];
  });
}

function getField(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
}

function getText(value: unknown, name: string): string | null {
  const field = getField(value, name);
  return typeof field === 'string' ? field : null;
}

function getNumber(value: unknown, name: string): number | null {
  const field = getField(value, name);
  return typeof field === 'number' ? field : null;
}
