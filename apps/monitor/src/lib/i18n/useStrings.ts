import { createContext, use } from 'react';
import { en } from '@/lib/i18n/en';
import { ko } from '@/lib/i18n/ko';
import type { Strings } from '@/lib/i18n/strings';
import type { Language } from '@/lib/settings/settings';

export const languages = { ko, en } as const satisfies Record<Language, Strings>;

export const StringsContext = createContext<Strings>(ko);

/** Return the words of the chosen language. */
export function useStrings(): Strings {
  return use(StringsContext);
}
