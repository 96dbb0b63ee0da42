import { describe, expect, it } from 'vitest';
import { parseMessage } from '@/lib/connection/messages';

const equipment = {
  equipment_code: 'KRCWO12ELOA101',
  equipment_name: 'Upper 로봇 용접',
  status: 'running',
  tags: { status_tag: 1, error_tag: 0, connection: true },
  last_updated: '2025-11-03T10:30:45.000Z',
};
const status = {
  type: 'equipment_status',
  timestamp: '2025-11-03T10:30:45.123Z',
  equipment: [equipment],
};
const withEquipment = (change: object): string =>
  JSON.stringify({ ...status, equipment: [{ ...equipment, ...change }] });

describe('parseMessage', () => {
  it('takes the messages as the contract prints them', () => {
    expect(parseMessage(JSON.stringify(status))).toEqual(status);
    const connected = {
      type: 'connection_status',
      timestamp: '2025-11-03T10:30:45.123Z',
      status: 'connected',
      message: 'WebSocket connected successfully',
    };
    expect(parseMessage(JSON.stringify({ ...connected, equipment: [] }))).toEqual(connected);
    const pong = { type: 'pong', timestamp: '2025-11-03T10:30:45.123Z' };
    expect(parseMessage(JSON.stringify(pong))).toEqual(pong);
  });

  it('ignores fields that it does not know', () => {
    expect(parseMessage(withEquipment({ line: 'weld1' }))).toEqual(status);
  });

  it.each([
    ['not text', new ArrayBuffer(4)],
    ['not JSON', '{"type":'],
    ['null', 'null'],
    ['an array', '[]'],
    ['a number', '17'],
    ['no type', '{"timestamp":"2025-11-03T10:30:45.123Z"}'],
    ['an unknown type', '{"type":"alarm","timestamp":"2025-11-03T10:30:45.123Z"}'],
    ['no timestamp', JSON.stringify({ ...status, timestamp: undefined })],
    ['a timestamp that is none', JSON.stringify({ ...status, timestamp: 'soon' })],
    ['equipment that is no array', JSON.stringify({ ...status, equipment: {} })],
    ['equipment that is null', JSON.stringify({ ...status, equipment: [null] })],
    ['a sixth status', withEquipment({ status: 'melting' })],
    ['an inherited word as status', withEquipment({ status: 'constructor' })],
    ['no code', withEquipment({ equipment_code: '' })],
    ['no tags', withEquipment({ tags: null })],
    ['a tag as text', withEquipment({ tags: { ...equipment.tags, error_tag: '1' } })],
    ['a connection as number', withEquipment({ tags: { ...equipment.tags, connection: 1 } })],
    ['no last update', withEquipment({ last_updated: null })],
    ['a code twice', JSON.stringify({ ...status, equipment: [equipment, equipment] })],
    [
      'an unknown connection status',
      '{"type":"connection_status","timestamp":"2025-11-03T10:30:45Z","status":"?","message":""}',
    ],
  ])('refuses %s', (_, data) => {
    expect(parseMessage(data)).toBeNull();
  });
});
