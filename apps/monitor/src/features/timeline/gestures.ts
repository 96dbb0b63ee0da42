/** Hands on the timeline: wheel, drag and pinch become pan, zoom and tap. Reports; decides nothing. */

export interface GestureHandlers {
  /** Pixels that the content is to move by; right is above 0. */
  readonly onPan: (deltaPx: number) => void;
  /** Below 1: closer. `xPx` from the left edge of the element stays where it is. */
  readonly onZoom: (factor: number, xPx: number) => void;
  readonly onTap: (xPx: number, yPx: number, isTouch: boolean) => void;
  readonly onHover: (point: { readonly xPx: number; readonly yPx: number } | null) => void;
  /** Rows that the content is to move by with a mouse; touch scrolls by itself. */
  readonly onScroll: (deltaPx: number) => void;
  /** Whether a plain wheel has something to scroll, and so does not zoom. */
  readonly doesScroll: () => boolean;
}

interface Pointer {
  readonly xPx: number;
  readonly yPx: number;
}

/** A hand that moves less means a tap. */
const SLOP_PX = 5;
const ZOOM_PER_PX = 0.0018;
const LINE_PX = 16;

/** Listen on `element` until `signal` aborts. */
export function listenToGestures(
  element: HTMLElement,
  handlers: GestureHandlers,
  signal: AbortSignal,
): void {
  const pointers = new Map<number, Pointer>();
  let isDragged = false;
  let began: Pointer = { xPx: 0, yPx: 0 };

  const at = (event: MouseEvent): Pointer => {
    const box = element.getBoundingClientRect();
    return { xPx: event.clientX - box.left, yPx: event.clientY - box.top };
  };

  const onWheel = (event: WheelEvent): void => {
    const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE_PX : 1;
    const [dx, dy] = [event.deltaX * unit, event.deltaY * unit];
    // A pinch on a touchpad comes as a wheel with Ctrl.
    const isZoom = event.ctrlKey || event.metaKey || event.altKey;
    if (!isZoom && !event.shiftKey && Math.abs(dy) > Math.abs(dx) && handlers.doesScroll()) return;
    event.preventDefault();
    if (!isZoom && (event.shiftKey || Math.abs(dx) > Math.abs(dy))) {
      handlers.onPan(-(dx || dy));
    } else {
      const isPinch = event.ctrlKey && Math.abs(dy) < 30;
      handlers.onZoom(Math.exp(dy * ZOOM_PER_PX * (isPinch ? 5 : 1)), at(event).xPx);
    }
  };

  const onDown = (event: PointerEvent): void => {
    if (event.pointerType === 'mouse' && event.button !== 0) return;
    const point = at(event);
    if (pointers.size === 0) {
      isDragged = false;
      began = point;
    }
    pointers.set(event.pointerId, point);
    if (pointers.size === 2) isDragged = true;
    if (event.pointerType !== 'mouse') handlers.onHover(null);
  };

  const onMove = (event: PointerEvent): void => {
    const before = pointers.get(event.pointerId);
    const point = at(event);
    if (before === undefined) {
      if (event.pointerType === 'mouse') handlers.onHover(point);
      return;
    }
    const isFar =
      Math.abs(point.xPx - began.xPx) > SLOP_PX || Math.abs(point.yPx - began.yPx) > SLOP_PX;
    if (!isDragged && !isFar) return;
    if (!isDragged) element.setPointerCapture(event.pointerId);
    isDragged = true;
    handlers.onHover(null);
    const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
    pointers.set(event.pointerId, point);
    if (other === undefined) {
      handlers.onPan(point.xPx - before.xPx);
      if (event.pointerType === 'mouse') handlers.onScroll(before.yPx - point.yPx);
      return;
    }
    const spread = (a: Pointer): number =>
      Math.max(20, Math.hypot(a.xPx - other.xPx, a.yPx - other.yPx));
    const middle = (a: Pointer): number => (a.xPx + other.xPx) / 2;
    handlers.onPan(middle(point) - middle(before));
    handlers.onZoom(spread(before) / spread(point), middle(point));
  };

  const onUp = (event: PointerEvent): void => {
    const isLast = pointers.delete(event.pointerId) && pointers.size === 0;
    if (!isLast || isDragged || event.type === 'pointercancel') return;
    const { xPx, yPx } = at(event);
    handlers.onTap(xPx, yPx, event.pointerType !== 'mouse');
  };

  element.addEventListener('wheel', onWheel, { signal, passive: false });
  element.addEventListener('pointerdown', onDown, { signal });
  element.addEventListener('pointermove', onMove, { signal });
  element.addEventListener('pointerup', onUp, { signal });
  element.addEventListener('pointercancel', onUp, { signal });
  element.addEventListener('pointerleave', () => handlers.onHover(null), { signal });
}
