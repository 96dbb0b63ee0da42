/** The words of the views of the past. They are loaded with those views, not with the board. */
import type { FigureName, OftenFigure, WhyNone } from '@/lib/kpi/figures';
import type { ExportFormat, ExportTable } from '@/lib/memory/memoryRest';
import type { AlarmEventKind, AlarmNote, AlarmState } from '@/lib/types/generated';

export interface MemoryStrings {
  readonly figures: Readonly<Record<FigureName, { readonly name: string; readonly what: string }>>;
  readonly whyNone: Readonly<Record<WhyNone, string>>;
  readonly insufficient: string;
  readonly unseen: string;
  readonly deleted: string;
  readonly coverage: (percent: string) => string;
  readonly loading: string;
  readonly failed: (detail: string) => string;
  readonly retry: string;
  readonly close: string;
  readonly cancel: string;
  readonly save: string;
  readonly more: string;
  /** Changes before this time were deleted. */
  readonly keptFrom: (time: string) => string;
  /** Of a list that is shown in part. */
  readonly firstOf: (shown: number, total: number) => string;
  readonly by: string;
  readonly byHint: string;
  readonly comment: string;
  readonly optional: string;
  readonly machine: string;
  readonly wholeLine: string;
  readonly begin: string;
  readonly end: string;
  readonly length: string;
  readonly status: string;
  readonly reason: string;
  readonly ongoing: string;
  readonly refused: (detail: string) => string;
  readonly report: {
    readonly title: string;
    readonly dayReport: string;
    readonly when: string;
    readonly day: string;
    readonly shift: string;
    readonly allShifts: string;
    readonly previous: string;
    readonly next: string;
    readonly today: string;
    readonly print: string;
    readonly download: string;
    readonly printedAt: (time: string) => string;
    readonly takenOut: (day: string) => string;
    readonly page: string;
    readonly running: string;
    readonly future: string;
    readonly figures: string;
    readonly openFigure: (name: string) => string;
    readonly ofStops: (length: string) => string;
    readonly failures: (count: number) => string;
    readonly plannedTime: string;
    readonly unseenTitle: string;
    readonly unseenNone: string;
    readonly unseenText: (length: string, percent: string) => string;
    readonly disconnectedPart: (length: string) => string;
    readonly unseenPart: (length: string) => string;
    readonly byMachine: string;
    readonly machines: string;
    readonly paretoByMachine: string;
    readonly paretoByReason: string;
    readonly unexplained: string;
    readonly others: (count: number) => string;
    readonly downtime: string;
    readonly count: string;
    readonly share: string;
    readonly cumulative: string;
    readonly noDowntime: string;
    /** The stops were deleted; the figures of them are kept. */
    readonly downtimeGone: string;
    readonly asTable: string;
    readonly trend: string;
    readonly trendHelp: string;
    readonly alarms: string;
    readonly noAlarms: string;
    readonly alarm: string;
  };
  readonly intervals: {
    readonly title: string;
    readonly choose: string;
    readonly only: string;
    readonly countsAs: string;
    readonly counted: Readonly<Record<string, string>>;
    readonly sum: (count: number, length: string) => string;
    /** What the figure divides: so many stops, repairs, gaps, of so much time. */
    readonly often: Readonly<Record<OftenFigure, (count: number, length: string) => string>>;
    readonly none: string;
    readonly toMachine: string;
  };
  readonly stops: {
    readonly title: string;
    readonly unexplained: (count: number) => string;
    /** Somebody joined several, between which the machine ran. */
    readonly joined: (count: number) => string;
    /** A later part of a stop that was cut: it is counted with the first. */
    readonly partOf: string;
    readonly none: string;
    readonly noneAtAll: string;
    readonly showAll: string;
    readonly explain: string;
    readonly explainOf: (machine: string, time: string) => string;
    readonly change: string;
    readonly changeOf: (machine: string, time: string) => string;
    readonly dialog: string;
    readonly noReasons: string;
    readonly split: string;
    readonly splitAt: string;
    readonly splitHelp: string;
    readonly merge: string;
    readonly mergeHelp: string;
    readonly mergeWith: string;
    readonly noNeighbours: string;
    readonly said: (by: string) => string;
    readonly saved: string;
    readonly history: string;
    readonly historyNone: string;
    readonly gave: (before: string | null, after: string) => string;
    readonly marked: (kind: 'split' | 'merge', time: string) => string;
  };
  readonly downloads: {
    readonly open: string;
    readonly tables: Readonly<
      Record<ExportTable, { readonly name: string; readonly what: string }>
    >;
    readonly formats: Readonly<Record<ExportFormat, string>>;
  };
  readonly preview: {
    readonly title: string;
    readonly help: string;
    readonly stopAfter: string;
    readonly asConfigured: string;
    readonly hoursOf: (shift: string) => string;
    readonly startOf: (shift: string) => string;
    readonly endOf: (shift: string) => string;
    readonly over: string;
    readonly thisReport: string;
    readonly lastDays: (count: number) => string;
    readonly show: string;
    /** Where nothing else is tried. */
    readonly showToday: string;
    readonly noDifference: string;
    readonly apply: string;
    readonly applyHelp: string;
    /** Machines that the tried time does not touch. */
    readonly ownStopAfter: (names: string) => string;
  };
  /** Today's rules, applied to the past. */
  readonly rules: {
    readonly apply: string;
    readonly confirm: (begin: string, end: string) => string;
    readonly why: string;
    readonly applyNow: string;
    readonly applied: string;
    readonly takeBack: string;
    readonly takeBackOf: (begin: string) => string;
  };
  readonly planned: {
    readonly title: string;
    readonly help: string;
    readonly add: string;
    readonly none: string;
    readonly remove: string;
    readonly removeOf: (what: string) => string;
    readonly from: string;
    readonly to: string;
    readonly wrongOrder: string;
    readonly what: string;
  };
  readonly alarms: {
    readonly title: string;
    readonly filters: string;
    readonly state: string;
    readonly states: Readonly<Record<AlarmState, string>>;
    readonly needsWork: string;
    readonly anyState: string;
    readonly severity: string;
    readonly severities: Readonly<Record<string, string>>;
    readonly anySeverity: string;
    readonly search: string;
    readonly anyMachine: string;
    readonly period: string;
    readonly lastDays: (count: number) => string;
    readonly raised: string;
    readonly cleared: string;
    readonly since: (length: string) => string;
    readonly lasted: (length: string) => string;
    readonly message: string;
    readonly advice: string;
    readonly none: string;
    readonly count: (count: number, hasMore: boolean) => string;
    readonly select: (what: string) => string;
    readonly selectAll: string;
    readonly selected: (count: number) => string;
    readonly acknowledge: string;
    readonly acknowledgeOf: (what: string) => string;
    readonly acknowledgeSelected: (count: number) => string;
    readonly acknowledgedBy: (by: string, time: string) => string;
    readonly acknowledged: (count: number) => string;
    readonly refused: (count: number) => string;
    readonly incomplete: string;
    readonly tooMany: (count: number) => string;
    readonly raisedTimes: (count: number) => string;
    readonly shelve: string;
    readonly shelveFor: (length: string) => string;
    readonly shelvedUntil: (time: string) => string;
    readonly unshelve: string;
    readonly addComment: string;
    readonly details: string;
    readonly detailsOf: (what: string) => string;
    readonly audit: string;
    /** What happened, after the name of whoever did it, if anybody did. */
    readonly events: Readonly<Record<AlarmEventKind, string>>;
    readonly notes: Readonly<Record<AlarmNote, string>>;
    readonly earlierEvents: (count: number) => string;
    readonly actions: string;
    readonly plc: string;
  };
  readonly machineView: {
    readonly title: string;
    readonly back: string;
    readonly choose: string;
    readonly today: string;
    readonly todayFigures: string;
    readonly month: string;
    readonly lastAlarms: string;
    readonly stopsToday: string;
    readonly before: string;
    readonly beforeHelp: string;
    readonly beforeNone: string;
    readonly beforeCount: (count: number, of: number) => string;
    /** Of all failures that count, so many were looked at. */
    readonly beforeSeen: (failures: number, all: number) => string;
    readonly beforeUnseen: (count: number) => string;
    /** Their changes are not kept any more. */
    readonly beforeDeleted: (count: number) => string;
    readonly precededByStatus: (status: string) => string;
    readonly precededByAlarm: (text: string) => string;
    readonly fewFailures: string;
    readonly unknown: string;
  };
}
