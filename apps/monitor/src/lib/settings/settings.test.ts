import { describe, expect, it } from 'vitest';
import { parseSettings } from '@/lib/settings/settings';

describe('parseSettings', () => {
  it('is Korean, dark and a grid where nothing was chosen', () => {
    expect(parseSettings('', null)).toEqual({
      language: 'ko',
      theme: 'dark',
      palette: 'contract',
      view: 'grid',
      isWall: false,
    });
  });

  it('lets the address win over what is stored', () => {
    const stored = JSON.stringify({ language: 'ko', theme: 'dark', view: 'grid', palette: 'iec' });
    expect(parseSettings('?wall=1&lang=en&theme=light&view=plan&line=weld1', stored)).toEqual({
      language: 'en',
      theme: 'light',
      palette: 'iec',
      view: 'plan',
      isWall: true,
    });
  });

  it.each(['{', 'null', '17', '[]', '{"language":"xx","theme":3,"isWall":true}'])(
    'survives a storage that holds %s',
    (stored) => {
      expect(parseSettings('?lang=tlh', stored)).toEqual(parseSettings('', null));
    },
  );
});
