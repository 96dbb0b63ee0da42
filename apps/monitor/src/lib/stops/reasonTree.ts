/** The tree of downtime reasons, as it is read from top to bottom. Pure. */
import type { DowntimeReasonView } from '@/lib/types/generated';

export interface ReasonNode {
  readonly reason: DowntimeReasonView;
  /** 0 for a reason that is of no other kind. */
  readonly depth: number;
  readonly hasChildren: boolean;
}

/** Return the reasons depth first, in configured order; whoever's parent is unknown is a root. */
export function flattenReasons(reasons: readonly DowntimeReasonView[]): readonly ReasonNode[] {
  const codes = new Set(reasons.map(({ code }) => code));
  const children = new Map<string | null, DowntimeReasonView[]>();
  for (const reason of reasons) {
    const parent = reason.parent !== null && codes.has(reason.parent) ? reason.parent : null;
    children.set(parent, [...(children.get(parent) ?? []), reason]);
  }
  const nodes: ReasonNode[] = [];
  const visit = (parent: string | null, depth: number): void => {
    for (const reason of children.get(parent) ?? []) {
      nodes.push({ reason, depth, hasChildren: children.has(reason.code) });
      visit(reason.code, depth + 1);
    }
  };
  visit(null, 0);
  return nodes;
}

/** Return a reason's name in the language of the page, its kinds before it: "고장 › 전기". */
export function nameReason(
  reasons: readonly DowntimeReasonView[],
  code: string,
  language: string,
): string {
  const byCode = new Map(reasons.map((reason) => [reason.code, reason]));
  const names: string[] = [];
  let next = byCode.get(code);
  // Bounded by the number of reasons: a circle in a stored tree must not hang the page.
  while (next !== undefined && names.length < reasons.length) {
    names.unshift((language === 'en' ? next.name_en : null) ?? next.name);
    next = next.parent === null ? undefined : byCode.get(next.parent);
  }
  return names.length === 0 ? code : names.join(' › ');
}
