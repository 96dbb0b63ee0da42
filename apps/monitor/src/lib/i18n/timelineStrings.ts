/** The shape of the words of timeline and time machine; they are loaded with these views only. */
import type { LaneStatus } from '@/lib/timeline/model';
import type { Preset } from '@/lib/timeline/viewport';
import type { ReasonCode } from '@/lib/types/generated';

export interface TimelineStrings {
  readonly title: string;
  readonly status: Readonly<Record<LaneStatus, string>>;
  readonly reason: Readonly<Record<ReasonCode, string>>;
  readonly reasonTitle: string;
  readonly from: string;
  readonly to: string;
  readonly duration: string;
  readonly statusTitle: string;
  readonly ongoing: string;
  readonly alarm: string;
  readonly shift: string;
  readonly rest: string;
  readonly preset: Readonly<Record<Preset, string>>;
  readonly span: string;
  readonly zoomIn: string;
  readonly zoomOut: string;
  readonly earlier: string;
  readonly later: string;
  readonly now: string;
  readonly legend: string;
  readonly lanes: string;
  readonly lanesHelp: string;
  readonly axis: string;
  readonly table: (name: string) => string;
  readonly openTable: (name: string) => string;
  readonly tableNote: (count: number) => string;
  readonly merged: (resolution: string) => string;
  readonly empty: string;
  readonly failed: string;
  readonly loading: string;
  readonly clock: (zone: string) => string;
  readonly screenClock: string;
  readonly close: string;
  readonly seeBoard: string;
  readonly past: string;
  readonly notLive: string;
  readonly pastRegion: string;
  readonly controls: string;
  readonly backToLive: string;
  readonly liveGoesOn: string;
  readonly liveBroken: string;
  /** Why nothing is shown of time whose changes were deleted. */
  readonly deletedText: string;
  readonly deletedCount: (count: number) => string;
  readonly deletedThen: string;
  readonly unseenCount: (count: number) => string;
  readonly play: string;
  readonly pause: string;
  readonly speed: string;
  readonly previousChange: string;
  readonly nextChange: string;
  readonly scrubber: string;
  readonly scrubberHelp: string;
  readonly copyLink: string;
  readonly copied: string;
  readonly entered: (moment: string) => string;
  readonly left: string;
  /** `at`: of the read that decided; the value may have become another one since. Null: never. */
  readonly tagsThen: (at: string | null) => string;
  readonly whyThen: string;
  readonly sinceThen: (time: string) => string;
  readonly unseenThen: string;
}
