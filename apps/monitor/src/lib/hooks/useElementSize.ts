import { type RefCallback, useCallback, useState } from 'react';

export interface ElementSize {
  readonly widthPx: number;
  readonly heightPx: number;
  /** Whether the page is as long as what is on it, as on a phone; the style sheet says so. */
  readonly isOnLongPage: boolean;
}

/** Return a ref and the size of the element that it is given to, in CSS pixels. */
export function useElementSize(): [RefCallback<HTMLElement>, ElementSize] {
  const [size, setSize] = useState<ElementSize>({
    widthPx: 0,
    heightPx: 0,
    isOnLongPage: false,
  });
  const ref = useCallback((element: HTMLElement | null) => {
    if (element === null) return;
    const measure = (): void => {
      const { clientWidth: widthPx, clientHeight: heightPx } = element;
      const length = getComputedStyle(element).getPropertyValue('--page-length').trim();
      const size = { widthPx, heightPx, isOnLongPage: length === 'content' };
      setSize((old) => (isSame(old, size) ? old : size));
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [ref, size];
}

function isSame(a: ElementSize, b: ElementSize): boolean {
  return a.widthPx === b.widthPx && a.heightPx === b.heightPx && a.isOnLongPage === b.isOnLongPage;
}
