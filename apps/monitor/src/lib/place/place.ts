/** Which view of the past is open, and what it looks at; the address says all of it. Pure. */
import { isDay } from '@/lib/kpi/days';
import { parseRoute, type View } from '@/lib/navigation/navigation';

/** The whole day: what no shift can be called. The server takes it as left out. */
export const ALL_SHIFTS = '';

export interface Place {
  readonly view: View;
  /** Null: today, by the plant's clock. */
  readonly day: string | null;
  readonly shift: string;
  /** The machine of the machine page. */
  readonly code: string | null;
}

const TEXT_MAX = 200;

/** Return the place of an address's query. Anything that is not understood is left out. */
export function parsePlace(search: string): Place {
  const params = new URLSearchParams(search);
  const text = (name: string): string | null => {
    const value = params.get(name);
    return value === null || value === '' || value.length > TEXT_MAX ? null : value;
  };
  const day = text('day');
  return {
    view: parseRoute(search).view,
    day: isDay(day) ? day : null,
    shift: text('shift') ?? ALL_SHIFTS,
    code: text('code'),
  };
}

/** Return `search` with `place` written into it; the line and settings stay as they are. */
export function writePlace(search: string, place: Place): string {
  const params = new URLSearchParams(search);
  const isReport = place.view === 'report';
  set(params, 'page', place.view === 'board' ? null : place.view);
  if (place.view !== 'board' && place.view !== 'timeline') set(params, 'at', null);
  set(params, 'day', isReport ? place.day : null);
  set(params, 'shift', isReport && place.shift !== ALL_SHIFTS ? place.shift : null);
  set(params, 'code', place.view === 'machine' || place.view === 'alarms' ? place.code : null);
  const written = params.toString();
  return written === '' ? '' : `?${written}`;
}

function set(params: URLSearchParams, name: string, value: string | null): void {
  if (value === null) params.delete(name);
  else params.set(name, value);
}
