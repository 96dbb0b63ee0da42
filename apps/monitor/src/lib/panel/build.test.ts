import { describe, expect, it } from 'vitest';
import { mayReload } from '@/lib/panel/build';

describe('mayReload', () => {
  it('reloads once, and not again before ten minutes are over', () => {
    expect(mayReload(null, 1_000)).toBe(true);
    expect(mayReload(1_000, 61_000)).toBe(false);
    expect(mayReload(1_000, 601_001)).toBe(true);
  });

  it('is not stopped for good by a clock that was set back', () => {
    expect(mayReload(10_000_000, 1_000)).toBe(true);
  });
});
