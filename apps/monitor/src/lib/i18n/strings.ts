/** The shape of a language file: a language that lacks a word does not compile. */

import type { DurationWords } from '@/lib/time/format';
import type { CpuState, PlcLink, Quality, ReasonCode, TagRole } from '@/lib/types/generated';
import type { Status } from '@/lib/types/equipment';

/** What a reason's sentence may mention. Durations are already in words. */
export interface ReasonFacts {
  readonly tag: string;
  readonly value: string;
  readonly plc: string;
  /** How long the reason has held. */
  readonly lasted: string;
  /** Time left until idle becomes stopped; null when it never does. */
  readonly left: string | null;
  /** Null: idle never becomes stopped. */
  readonly stopAfter: string | null;
  readonly staleAfter: string;
  readonly detail: string;
}

export interface Strings {
  readonly languageName: string;
  readonly duration: DurationWords;
  readonly status: Readonly<Record<Status, string>>;
  /** A part of the page that is not there, and what is done about it. */
  readonly panel: {
    readonly failed: string;
    readonly missing: string;
    readonly old: string;
    readonly retry: string;
    readonly reload: string;
  };
  readonly link: Readonly<Record<PlcLink, string>>;
  readonly cpu: Readonly<Record<CpuState, string>>;
  readonly quality: Readonly<Record<Quality, string>>;
  readonly role: Readonly<Record<TagRole, string>>;
  /** One full sentence: why is it this colour? */
  readonly why: Readonly<Record<ReasonCode, (facts: ReasonFacts) => string>>;
  /** A few words for a box or a list. */
  readonly reason: Readonly<Record<ReasonCode, (facts: ReasonFacts) => string>>;
  readonly connection: {
    readonly connecting: string;
    readonly connected: string;
    readonly stale: string;
    readonly reconnecting: (attempt: number, max: number) => string;
    readonly failed: string;
    readonly failedTitle: string;
    readonly refusedTitle: string;
    readonly refusedText: (origin: string) => string;
    readonly failedText: string;
    readonly reconnect: string;
    readonly staleTitle: string;
    readonly staleText: string;
    readonly historyTitle: string;
    readonly historyText: string;
    readonly notice: (message: string) => string;
    readonly dismiss: string;
    readonly malformedShort: (count: number) => string;
    readonly malformed: (count: number) => string;
  };
  readonly header: {
    readonly demo: string;
    readonly demoTitle: string;
    readonly line: string;
    readonly views: string;
    readonly board: string;
    readonly timeline: string;
    readonly report: string;
    readonly alarms: string;
    readonly machine: string;
    readonly past: string;
    readonly filters: string;
    readonly plantTime: string;
    /** How wrong the clock of the screen's own computer is: "3 d". */
    readonly screenAhead: (off: string) => string;
    readonly screenBehind: (off: string) => string;
    readonly screenClockTitle: string;
    readonly dataAge: (age: string) => string;
    readonly dataAgeTitle: string;
    readonly noData: string;
    readonly settings: string;
    readonly language: string;
    readonly theme: string;
    readonly dark: string;
    readonly light: string;
    readonly palette: string;
    readonly paletteContract: string;
    readonly paletteIec: string;
    readonly view: string;
    readonly grid: string;
    readonly plan: string;
    readonly wall: string;
    readonly leaveWall: string;
  };
  readonly board: {
    readonly title: string;
    readonly planTitle: string;
    readonly empty: string;
    readonly loading: string;
    readonly unknownLine: string;
    readonly filtered: (shown: number, total: number) => string;
    readonly clearFilter: string;
    readonly late: (age: string) => string;
    readonly lateUnknown: string;
    readonly unplaced: string;
    readonly now: string;
    readonly summary: string;
    readonly runningNow: string;
    readonly runningShare: (window: string) => string;
    readonly share: (percent: string) => string;
    readonly coverage: (percent: string) => string;
    readonly insufficient: string;
    readonly machines: (count: number) => string;
  };
  readonly attention: {
    readonly title: string;
    readonly none: string;
    readonly noneText: string;
    readonly plcLost: (plc: string, count: number) => string;
    readonly pageDeaf: (count: number) => string;
    readonly pageDeafText: string;
    readonly recent: string;
    readonly noRecent: string;
    readonly show: (count: number) => string;
    readonly hide: string;
  };
  readonly detail: {
    readonly close: string;
    readonly why: string;
    readonly since: (time: string) => string;
    readonly untilStopped: string;
    readonly neverStops: string;
    readonly tags: string;
    readonly noTags: string;
    readonly role: string;
    readonly address: string;
    readonly value: string;
    readonly quality: string;
    readonly readAt: string;
    readonly ago: (age: string) => string;
    readonly today: string;
    readonly unobserved: string;
    /** Time whose changes are not kept any more. */
    readonly deleted: string;
    readonly plc: string;
    readonly endpoint: string;
    readonly link: string;
    readonly linkSince: (time: string) => string;
    readonly latency: string;
    readonly latencyValue: (last: string, p50: string, p95: string) => string;
    readonly dataAge: string;
    readonly dataAgeValue: (last: string, p50: string, p95: string) => string;
    readonly polls: string;
    readonly pollsValue: (polls: string, faults: string, reconnects: string) => string;
    readonly cpu: string;
    readonly lastFault: string;
    readonly noFault: string;
    readonly nextAttempt: string;
    readonly unavailable: string;
    readonly late: string;
    readonly ownLateWhy: (age: string) => string;
    readonly changes: string;
    readonly lastUpdated: string;
    readonly never: string;
    readonly endCode: (code: string) => string;
  };
  /** What the board says of the line's memory; the views of it have words of their own. */
  readonly memory: {
    readonly alarms: string;
    readonly alarmsTitle: (count: number, unacknowledged: number) => string;
    /** Of which the server does not know all: for the header, short, and in full. */
    readonly alarmsIncomplete: (count: number, number: string) => string;
    readonly alarmsIncompleteTitle: (count: number, unacknowledged: number) => string;
    readonly alarmsIncompleteText: string;
    readonly alarmSince: (time: string) => string;
    readonly unacknowledged: string;
    readonly acknowledgedBy: (by: string, time: string) => string;
    readonly todayTitle: string;
    readonly today: (failures: number, stops: number) => string;
    readonly machinePage: string;
  };
  readonly live: {
    readonly machine: (name: string, status: string) => string;
    readonly machines: (count: number, status: string) => string;
  };
}
