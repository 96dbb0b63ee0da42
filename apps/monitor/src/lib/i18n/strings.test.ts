import { describe, expect, it } from 'vitest';
import { en } from '@/lib/i18n/en';
import { ko } from '@/lib/i18n/ko';
import { memoryEn } from '@/lib/i18n/memoryEn';
import { memoryKo } from '@/lib/i18n/memoryKo';
import { withParticle } from '@/lib/i18n/particle';
import type { ReasonFacts } from '@/lib/i18n/strings';

const facts: ReasonFacts = {
  tag: 'M203',
  value: '1',
  plc: 'PLC02',
  lasted: '4분',
  left: '0:48',
  stopAfter: '5분',
  staleAfter: '3초',
  detail: '',
};
const unknown: ReasonFacts = { ...facts, tag: '', left: null, stopAfter: null };

/** Every word of a language by its path; what takes arguments is called with plausible ones. */
function listWords(value: unknown, path: string): Array<readonly [string, string]> {
  if (typeof value === 'string') return [[path, value]];
  if (typeof value === 'function') {
    const isReason = path.startsWith('why.') || path.startsWith('reason.');
    const words = isReason
      ? [value(facts), value(unknown)]
      : [value('3', '5', '7'), value('1', '1', '1')];
    return words.map((word) => [path, String(word)] as const);
  }
  return Object.entries(value as object).flatMap(([key, child]) =>
    listWords(child, path === '' ? key : `${path}.${key}`),
  );
}

const korean = [...listWords(ko, ''), ...listWords(memoryKo, 'past')];
const english = [...listWords(en, ''), ...listWords(memoryEn, 'past')];

describe('the languages', () => {
  it('have the same words', () => {
    expect(korean.map(([path]) => path).sort()).toEqual(english.map(([path]) => path).sort());
  });

  it.each([...korean, ...english])('leave nothing empty or undefined: %s', (_, word) => {
    expect(word.trim()).not.toBe('');
    expect(word).not.toMatch(/undefined|null|\[object/);
  });

  it('keep Korean out of English', () => {
    const mixed = english.filter(
      ([path, word]) => /[가-힣]/.test(word) && !/^(why|reason)\./.test(path),
    );
    expect(mixed).toEqual([]);
  });

  it("use the contract's words for the five statuses", () => {
    expect(ko.status).toEqual({
      running: '가동',
      idle: '비가동',
      stopped: '정지',
      error: '설비이상',
      disconnected: '접속이상',
    });
  });
});

describe('withParticle', () => {
  it.each([
    ['M100', 'M100이'],
    ['M105', 'M105가'],
    ['M203', 'M203이'],
    ['PLC02', 'PLC02가'],
    ['5분', '5분이'],
    ['3초', '3초가'],
    ['', '가'],
  ])('follows %s as %s', (word, text) => {
    expect(withParticle(word, '이', '가')).toBe(text);
  });
});
