import { useEffect, useState } from 'react';
import { LineBoard } from '@/app/LineBoard';
import { useSettings } from '@/lib/hooks/useSettings';
import { loadGlyphs } from '@/lib/i18n/glyphs';
import { Panel } from '@/lib/panel/Panel';
import { languages, StringsContext } from '@/lib/i18n/useStrings';

/** The page: one line at a time, in one language. The address says which line. */
export function App() {
  const [settings] = useSettings();
  const [lineId, setLineId] = useState(readLineId);
  const strings = languages[settings.language];
  useEffect(() => {
    // What is not there in time is asked for again when it is shown.
    loadGlyphs(strings).catch(() => undefined);
  }, [strings]);
  useEffect(() => {
    const follow = (): void => setLineId(readLineId());
    window.addEventListener('popstate', follow);
    return () => window.removeEventListener('popstate', follow);
  }, []);
  function changeLine(id: string): void {
    const url = new URL(window.location.href);
    url.searchParams.set('line', id);
    window.history.pushState(null, '', url);
    setLineId(id);
  }
  return (
    <StringsContext value={strings}>
      <Panel key={lineId}>
        <LineBoard lineId={lineId} onLine={changeLine} />
      </Panel>
    </StringsContext>
  );
}

function readLineId(): string | null {
  const id = new URLSearchParams(window.location.search).get('line');
  return id === '' ? null : id;
}
