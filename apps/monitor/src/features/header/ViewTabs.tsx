import type { MouseEvent } from 'react';
import { AlarmCount } from '@/features/header/AlarmCount';
import { useStrings } from '@/lib/i18n/useStrings';
import { type View, VIEWS, writeRoute } from '@/lib/navigation/navigation';
import { useRoute } from '@/lib/navigation/useRoute';
import styles from './ViewTabs.module.css';

interface ViewTabsProps {
  /** Then no number of the present stands beside a link. */
  readonly isPast: boolean;
}

/** One link per view: they open in a new window like any other, and here without a reload. */
export function ViewTabs({ isPast }: ViewTabsProps) {
  const words = useStrings().header;
  const [route, navigate] = useRoute();
  const labels: Readonly<Record<View, string>> = {
    board: words.board,
    timeline: words.timeline,
    report: words.report,
    alarms: words.alarms,
    machine: words.machine,
  };
  function follow(event: MouseEvent, view: View): void {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    navigate({ view });
  }
  return (
    <nav className={styles.tabs} aria-label={words.views}>
      {VIEWS.filter((view) => view !== 'machine').map((view) => (
        <a
          key={view}
          href={writeRoute(window.location.search, { ...route, view }) || '?'}
          aria-current={route.view === view ? 'page' : undefined}
          onClick={(event) => follow(event, view)}
        >
          {labels[view]}
          {view === 'alarms' && !isPast && <AlarmCount />}
        </a>
      ))}
    </nav>
  );
}
