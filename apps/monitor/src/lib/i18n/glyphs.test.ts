import { describe, expect, it } from 'vitest';
import { lettersOf } from '@/lib/i18n/glyphs';
import { ko } from '@/lib/i18n/ko';

describe('lettersOf', () => {
  it('finds the characters of words and of what functions say, each once', () => {
    const letters = lettersOf({ a: '가나', b: { c: (count: number) => `다 ${count}`, d: '나' } });
    for (const letter of '가나다') expect(letters.split(letter)).toHaveLength(2);
  });

  it('finds what the page says when it hears nothing more', () => {
    const letters = new Set(lettersOf(ko));
    for (const letter of ko.attention.pageDeaf(17).replace('17', '')) {
      expect(letters).toContain(letter);
    }
  });
});
