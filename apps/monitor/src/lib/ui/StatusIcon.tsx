import type { ReactNode } from 'react';
import type { Status } from '@/lib/types/equipment';

/** One shape per status, told apart without colour. A new status does not compile without one. */
const shapes = {
  running: (
    <path d="M2 3.4v17.2a1.4 1.4 0 0 0 2.14 1.19l13.96-8.6a1.4 1.4 0 0 0 0-2.38L4.14 2.21A1.4 1.4 0 0 0 2 3.4Z" />
  ),
  idle: (
    <>
      <rect x="2" y="2.5" width="6.6" height="19" rx="1.5" />
      <rect x="12.4" y="2.5" width="6.6" height="19" rx="1.5" />
    </>
  ),
  stopped: <rect x="2" y="2.5" width="19" height="19" rx="2.6" />,
  error: (
    <path
      fillRule="evenodd"
      d="M10.27 3.02 1.3 18.6A2 2 0 0 0 3.03 21.6h17.94a2 2 0 0 0 1.73-3L13.73 3.02a2 2 0 0 0-3.46 0ZM10.6 8.4h2.8l-.4 6.4h-2l-.4-6.4Zm1.4 7.9a1.55 1.55 0 1 1 0 3.1 1.55 1.55 0 0 1 0-3.1Z"
    />
  ),
  disconnected: (
    <path
      fillRule="evenodd"
      d="M4.3 2.6 21.4 19.7l-1.7 1.7-4.2-4.2a5.2 5.2 0 0 1-2.3.9V22h-2.4v-3.9A5.2 5.2 0 0 1 6.4 13v-2.3H4.6V8.3h2L2.6 4.3l1.7-1.7Zm4.5 8.1V13a3.2 3.2 0 0 0 4.9 2.5l-4.9-4.8ZM8 2h2.4v4H8V2Zm5.6 0H16v6.3h3.4v2.4h-1.8V13c0 .4 0 .8-.1 1.2l-5.9-5.9h2V2Z"
    />
  ),
} as const satisfies Record<Status, ReactNode>;

/** The sign of a status, as large as the text around it. */
export function StatusIcon({ status, className }: { status: Status; className?: string }) {
  return (
    <svg
      className={className}
      viewBox="0 0 24 24"
      width="1em"
      height="1em"
      fill="currentColor"
      aria-hidden="true"
      focusable="false"
    >
      {shapes[status]}
    </svg>
  );
}
