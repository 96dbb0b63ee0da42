/** The words of an alarm, in the language of the page. Pure. */
import type { AlarmView } from '@/lib/types/generated';

/** Every severity, the worst first. */
export const SEVERITIES = ['critical', 'high', 'medium', 'low'] as const;

type Worded = Pick<AlarmView, 'text_ko' | 'text_en' | 'advice_ko' | 'advice_en'>;

/** Return what the alarm says; the other language where there is only that. */
export function getAlarmText(alarm: Pick<Worded, 'text_ko' | 'text_en'>, language: string): string {
  return chooseText(alarm.text_ko, alarm.text_en, language);
}

/** Return the text of the page's language; the other where there is only that. */
export function chooseText(korean: string, english: string, language: string): string {
  const [first, second] = language === 'en' ? [english, korean] : [korean, english];
  return first === '' ? second : first;
}

/** Return what to do about it; empty where nobody has written that down. */
export function getAlarmAdvice(alarm: Worded, language: string): string {
  return chooseText(alarm.advice_ko, alarm.advice_en, language);
}
