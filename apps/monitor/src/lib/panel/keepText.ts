/**
 * Undoes what translators and other extensions do to the text of the page. The page says that it is
 * not to be translated; to those that do it nevertheless its words would stand still and its next
 * change would fail, because they put `<font>` where React knows a text.
 */

/** So often in a second at once; beyond, whoever insists has to wait, and the page stays alive. */
const UNDONE_PER_S = 20;
const SECOND_MS = 1_000;

/** Put every text below `root` back into its place whenever something wraps or replaces it. */
export function keepText(root: Node): void {
  let waiting: MutationRecord[] = [];
  let count = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const observer = new MutationObserver((records) => {
    waiting.push(...records.filter(isForeign));
    if (waiting.length === 0 || count >= UNDONE_PER_S) return;
    count += 1;
    undo();
    timer ??= setTimeout(() => {
      timer = undefined;
      count = 0;
      undo();
    }, SECOND_MS);
  });
  function undo(): void {
    const records = waiting;
    waiting = [];
    for (const record of records) putBack(record);
    // What was undone just now is not news.
    observer.takeRecords();
  }
  observer.observe(root, { subtree: true, childList: true });
}

/** A text that went where a `<font>` came. */
function isForeign({ removedNodes }: MutationRecord): boolean {
  return [...removedNodes].some((node) => node.nodeType === Node.TEXT_NODE);
}

function putBack(record: MutationRecord): void {
  const { target, removedNodes, addedNodes, previousSibling, nextSibling } = record;
  const wrapper = [...addedNodes, previousSibling, nextSibling].find(
    (node) => node?.nodeName === 'FONT' && node.parentNode === target,
  );
  const text = [...removedNodes].find((node) => node.nodeType === Node.TEXT_NODE);
  if (wrapper == null || text === undefined) return;
  // React may have taken the text out of the page by itself meanwhile, or put it somewhere else.
  if (text.parentNode === null || wrapper.contains(text)) target.replaceChild(text, wrapper);
}
