import { describe, expect, it } from 'vitest';
import { flattenReasons, nameReason } from '@/lib/stops/reasonTree';
import type { DowntimeReasonView } from '@/lib/types/generated';

const reason = (code: string, parent: string | null): DowntimeReasonView => ({
  code,
  name: `이름 ${code}`,
  name_en: code === 'Q' ? null : `Name ${code}`,
  parent,
});
const TREE = [reason('E', null), reason('Q', null), reason('E10', 'E'), reason('E11', 'E')];

describe('flattenReasons', () => {
  it('goes depth first in configured order', () => {
    const nodes = flattenReasons(TREE);
    expect(nodes.map(({ reason: { code }, depth }) => [code, depth])).toEqual([
      ['E', 0],
      ['E10', 1],
      ['E11', 1],
      ['Q', 0],
    ]);
    expect(nodes[0]?.hasChildren).toBe(true);
  });

  it('loses none whose parent is unknown', () => {
    expect(flattenReasons([reason('X', 'gone')])).toHaveLength(1);
  });
});

describe('nameReason', () => {
  it('names the kinds before the reason, in the language of the page', () => {
    expect(nameReason(TREE, 'E10', 'en')).toBe('Name E › Name E10');
    expect(nameReason(TREE, 'E10', 'ko')).toBe('이름 E › 이름 E10');
    expect(nameReason(TREE, 'Q', 'en')).toBe('이름 Q');
  });

  it('shows the code of a reason that is no longer configured', () => {
    expect(nameReason(TREE, 'old', 'ko')).toBe('old');
  });

  it('ends on a tree that bites its tail', () => {
    expect(nameReason([reason('a', 'b'), reason('b', 'a')], 'a', 'en')).toContain('Name a');
  });
});
