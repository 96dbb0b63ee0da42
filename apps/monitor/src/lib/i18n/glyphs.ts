/** The glyphs of our own words, fetched while there is a server to fetch them from. */

const FONT = '1em "Pretendard Variable"';

/**
 * Return every character that `words` may show, once.
 *
 * What a function of a language file says stands in its source.
 */
export function lettersOf(words: unknown): string {
  return [...new Set(textOf(words))].join('');
}

/**
 * Fetch the parts of the font that `words` need.
 *
 * A browser fetches a part when it first draws one of its characters. For what the page says about
 * a lost server, that would be too late.
 */
export async function loadGlyphs(words: unknown): Promise<void> {
  await document.fonts.load(FONT, lettersOf(words));
}

function textOf(words: unknown): string {
  if (typeof words === 'string') return words;
  if (typeof words === 'function') return String(words);
  return Object.values(words as object)
    .map(textOf)
    .join('');
}
