import { describe, expect, it } from 'vitest';
import { getEquipmentColor, getShownStatus } from '@/lib/board/getEquipmentColor';
import { STATUSES } from '@/lib/types/equipment';

const tags = { status_tag: 1, error_tag: 0, connection: true };

describe('getEquipmentColor', () => {
  it.each([
    ['running', 'green'],
    ['idle', 'yellow'],
    ['stopped', 'red'],
    ['error', 'purple'],
    ['disconnected', 'gray'],
  ] as const)('shows %s as %s', (status, color) => {
    expect(getEquipmentColor({ status, tags })).toBe(color);
  });

  it.each(STATUSES)('shows %s without connection as gray, even with a fault', (status) => {
    const lost = { ...tags, error_tag: 1, connection: false };
    expect(getEquipmentColor({ status, tags: lost })).toBe('gray');
  });

  it.each(STATUSES)('shows a set error tag as purple, whatever the status %s says', (status) => {
    expect(getEquipmentColor({ status, tags: { ...tags, error_tag: 1 } })).toBe('purple');
  });

  it('gives every status back from its colour, so that icon and word agree with it', () => {
    for (const status of STATUSES) {
      expect(getShownStatus(getEquipmentColor({ status, tags }))).toBe(status);
    }
  });
});
