import { useSettings } from '@/lib/hooks/useSettings';
import { memoryEn } from '@/lib/i18n/memoryEn';
import { memoryKo } from '@/lib/i18n/memoryKo';
import type { MemoryStrings } from '@/lib/i18n/memoryStrings';
import type { Language } from '@/lib/settings/settings';

export const memoryLanguages = {
  ko: memoryKo,
  en: memoryEn,
} as const satisfies Record<Language, MemoryStrings>;

/** Return the words of the past in the chosen language. */
export function useMemoryStrings(): MemoryStrings {
  const [{ language }] = useSettings();
  return memoryLanguages[language];
}
