import type { ReactNode } from 'react';
import { useMemoryStrings } from '@/lib/i18n/useMemoryStrings';
import { useName } from '@/lib/memory/useName';
import { useWrite } from '@/lib/memory/useWrite';
import controls from '@/lib/ui/controls.module.css';
import { NameField } from '@/lib/ui/NameField';
import { Refused } from '@/lib/ui/Refused';
import styles from './ReportView.module.css';

interface SignedItem {
  readonly id: number;
  readonly by: string;
}

interface SignedTableProps<Item extends SignedItem> {
  /** What the table is called in the page. */
  readonly table: string;
  readonly items: readonly Item[];
  /** What stands over the cells of an item; who entered it follows. */
  readonly heads: readonly string[];
  readonly cellsOf: (item: Item) => ReactNode;
  readonly removeWord: string;
  readonly removeWordOf: (item: Item) => string;
  readonly remove: (id: number, by: string) => Promise<unknown>;
  readonly onRemoved: () => void;
}

/** What people have entered by name: each can be taken back, by name as well. */
export function SignedTable<Item extends SignedItem>(props: SignedTableProps<Item>) {
  const { table, items, heads, cellsOf, removeWord, removeWordOf, remove, onRemoved } = props;
  const words = useMemoryStrings();
  const [name] = useName();
  const write = useWrite();
  const by = name.trim();
  async function removeItem(id: number): Promise<void> {
    if (await write.run(() => remove(id, by))) onRemoved();
  }
  return (
    <>
      <div className={controls.scroll}>
        <table className={controls.table} data-table={table}>
          <thead>
            <tr>
              {[...heads, words.by].map((head) => (
                <th key={head} scope="col">
                  {head}
                </th>
              ))}
              <th scope="col">
                <span className="visually-hidden">{removeWord}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {items.map((item) => (
              <tr key={item.id}>
                {cellsOf(item)}
                <td>{item.by}</td>
                <td className={controls.number}>
                  <button
                    type="button"
                    className={`${controls.button} ${controls.small}`}
                    aria-label={removeWordOf(item)}
                    title={by === '' ? words.byHint : undefined}
                    disabled={write.isBusy || by === ''}
                    onClick={() => void removeItem(item.id)}
                  >
                    {removeWord}
                  </button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {by === '' && (
        <div className={styles.who}>
          <NameField />
        </div>
      )}
      <Refused write={write} />
    </>
  );
}
