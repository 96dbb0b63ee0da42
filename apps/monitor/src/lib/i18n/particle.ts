/** Korean subject particles: the right one of 이/가, 을/를 after any word. Pure. */

const HANGUL_FIRST = 0xac00;
const HANGUL_LAST = 0xd7a3;
const FINALS = 28;
/** Read aloud in Korean, these end in a consonant: 영 일 삼 육 칠 팔, 엘 엠 엔 알. */
const CONSONANT_ENDINGS = new Set([...'013678LMNRlmnr']);

/** Return `word` followed by `afterConsonant` or `afterVowel`, as its last sound asks for. */
export function withParticle(word: string, afterConsonant: string, afterVowel: string): string {
  return word + (endsInConsonant(word) ? afterConsonant : afterVowel);
}

function endsInConsonant(word: string): boolean {
  const last = [...word].at(-1);
  if (last === undefined) return false;
  const code = last.codePointAt(0) ?? 0;
  if (code >= HANGUL_FIRST && code <= HANGUL_LAST) return (code - HANGUL_FIRST) % FINALS !== 0;
  return CONSONANT_ENDINGS.has(last);
}
