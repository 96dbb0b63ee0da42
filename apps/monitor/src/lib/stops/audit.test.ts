import { describe, expect, it } from 'vitest';
import type { AuditEntryView } from '@/lib/types/generated';
import { readAudit } from './audit';

const STOP = {
  code: 'A@1',
  begin: new Date(10_000).toISOString(),
  end: new Date(20_000).toISOString(),
};

function entry(facts: Partial<AuditEntryView>): AuditEntryView {
  return {
    id: 1,
    at: new Date(30_000).toISOString(),
    by: 'Kim',
    action: 'stop.reason',
    subject: 'A@1@10000',
    before: null,
    after: { reason: 'E10', comment: 'fuse' },
    ...facts,
  };
}

describe('readAudit', () => {
  it('tells the reason before and after, with its comment', () => {
    const [change] = readAudit([entry({ before: { reason: 'M' } })], STOP);
    expect(change).toMatchObject({ kind: 'reason', before: 'M', after: 'E10', comment: 'fuse' });
  });

  it('finds a cut where the stop begins, though it was made in another', () => {
    const cut = entry({
      action: 'stop.split',
      subject: 'A@1@4000',
      before: null,
      after: { at_ms: 10_000 },
    });
    expect(readAudit([cut], STOP)).toMatchObject([{ kind: 'split', momentMs: 10_000 }]);
  });

  it('leaves out other stops, other machines and what is no stop', () => {
    const others = [
      entry({ subject: 'A@1@21000' }),
      entry({ subject: 'B@10000' }),
      entry({ action: 'planned_downtime.add', subject: '7' }),
    ];
    expect(readAudit(others, STOP)).toEqual([]);
  });
});
