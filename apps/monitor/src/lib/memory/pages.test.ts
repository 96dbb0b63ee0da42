import { describe, expect, it } from 'vitest';
import { askPages, PAGE_MAX } from '@/lib/memory/pages';

/** A server with `total` items that notes how it is asked. */
function listOf(total: number) {
  const asked: [string | null, number][] = [];
  const askPage = (cursor: string | null, limit: number) => {
    asked.push([cursor, limit]);
    const end = Number(cursor ?? 0) + limit;
    return Promise.resolve({ next: end < total ? String(end) : null });
  };
  return { asked, askPage };
}

describe('askPages', () => {
  it('asks for what is shown and no more', async () => {
    const { asked, askPage } = listOf(5_000);
    await askPages(askPage, 500);
    expect(asked).toEqual([[null, 500]]);
  });

  it('goes on page by page', async () => {
    const { asked, askPage } = listOf(5_000);
    await askPages(askPage, 2_500);
    expect(asked).toEqual([
      [null, PAGE_MAX],
      ['1000', PAGE_MAX],
      ['2000', 500],
    ]);
  });

  it('ends with the list', async () => {
    const { asked, askPage } = listOf(1_200);
    expect(await askPages(askPage, 9_000)).toHaveLength(2);
    expect(asked).toHaveLength(2);
  });
});
