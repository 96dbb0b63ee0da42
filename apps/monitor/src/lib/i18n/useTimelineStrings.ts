import { useSettings } from '@/lib/hooks/useSettings';
import { timelineEn } from '@/lib/i18n/timelineEn';
import { timelineKo } from '@/lib/i18n/timelineKo';
import type { TimelineStrings } from '@/lib/i18n/timelineStrings';
import type { Language } from '@/lib/settings/settings';

export const timelineLanguages = {
  ko: timelineKo,
  en: timelineEn,
} as const satisfies Record<Language, TimelineStrings>;

/** Return the words of timeline and time machine in the chosen language. */
export function useTimelineStrings(): TimelineStrings {
  const [{ language }] = useSettings();
  return timelineLanguages[language];
}
