import { useState } from 'react';
import { useMemoryStrings } from '@/lib/i18n/useMemoryStrings';
import { EXPORT_FORMATS, EXPORT_TABLES, getExportUrl, type Query } from '@/lib/memory/memoryRest';
import controls from './controls.module.css';
import styles from './Downloads.module.css';
import { Modal } from './Modal';

interface DownloadsProps {
  /** Which machines, from when to when. */
  readonly query: Query;
  /** The same, for people. */
  readonly what: string;
  readonly isDisabled?: boolean;
}

/** A button that offers everything there is to take along: each table as CSV, Excel and Parquet. */
export function Downloads({ query, what, isDisabled = false }: DownloadsProps) {
  const words = useMemoryStrings();
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button
        type="button"
        className={controls.button}
        disabled={isDisabled}
        onClick={() => setOpen(true)}
      >
        {words.downloads.open}
      </button>
      {isOpen && (
        <Modal title={words.downloads.open} subtitle={what} onClose={() => setOpen(false)}>
          <ul className={styles.tables}>
            {EXPORT_TABLES.map((table) => (
              <li key={table}>
                <div>
                  <b>{words.downloads.tables[table].name}</b>
                  <p className={controls.soft}>{words.downloads.tables[table].what}</p>
                </div>
                <div className={styles.formats}>
                  {EXPORT_FORMATS.map((format) => (
                    <a
                      key={format}
                      className={`${controls.button} ${controls.small}`}
                      aria-label={`${words.downloads.tables[table].name}, ${words.downloads.formats[format]}`}
                      href={getExportUrl(table, format, query)}
                      download
                    >
                      {words.downloads.formats[format]}
                    </a>
                  ))}
                </div>
              </li>
            ))}
          </ul>
        </Modal>
      )}
    </>
  );
}
