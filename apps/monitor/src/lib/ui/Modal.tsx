import { type MouseEvent, type ReactNode, useCallback, useId } from 'react';
import { useMemoryStrings } from '@/lib/i18n/useMemoryStrings';
import styles from './Modal.module.css';

interface ModalProps {
  readonly title: string;
  readonly subtitle?: ReactNode;
  /** At the side and as high as the page, for long lists. */
  readonly isDrawer?: boolean;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

/** The browser's own modal dialog: it holds the focus, closes on Esc and gives the focus back. */
export function Modal({ title, subtitle, isDrawer = false, onClose, children }: ModalProps) {
  const words = useMemoryStrings();
  const id = useId();
  const open = useCallback((dialog: HTMLDialogElement | null) => {
    if (dialog !== null && !dialog.open) dialog.showModal();
    return () => dialog?.close();
  }, []);
  function closeFromBackdrop(event: MouseEvent<HTMLDialogElement>): void {
    if (event.target === event.currentTarget) event.currentTarget.close();
  }
  return (
    <dialog
      ref={open}
      className={`${styles.modal} ${isDrawer ? styles.drawer : ''}`}
      aria-labelledby={id}
      onClose={onClose}
      onClick={closeFromBackdrop}
    >
      <div className={styles.content}>
        <header className={styles.head}>
          <div>
            <h2 id={id}>{title}</h2>
            {subtitle !== undefined && <p>{subtitle}</p>}
          </div>
          <button type="button" className={styles.close} aria-label={words.close} onClick={onClose}>
            <svg viewBox="0 0 24 24" aria-hidden="true">
              <path d="M5 5l14 14M19 5L5 19" />
            </svg>
          </button>
        </header>
        <div className={styles.body} tabIndex={0} role="group" aria-label={title}>
          {children}
        </div>
      </div>
    </dialog>
  );
}
