/** How many columns a board of boxes needs to fill its space. Pure. */

export interface GridFit {
  readonly columns: number;
  readonly rows: number;
  /** False when the boxes would become too small to read: the board then scrolls. */
  readonly fits: boolean;
}

export interface GridLimits {
  readonly gapPx: number;
  readonly minWidthPx: number;
  readonly minHeightPx: number;
  /** Width over height that a box looks best at. */
  readonly aspect: number;
}

/**
 * Return the arrangement whose boxes are largest for their shape. A box that is far from `aspect`
 * counts only for the part of it that has that shape.
 */
export function fitGrid(
  count: number,
  widthPx: number,
  heightPx: number,
  limits: GridLimits,
): GridFit {
  const { gapPx, minWidthPx, minHeightPx, aspect } = limits;
  const widest = Math.max(1, Math.floor((widthPx + gapPx) / (minWidthPx + gapPx)));
  let best: GridFit | null = null;
  let bestSize = -1;
  for (let columns = 1; columns <= Math.min(Math.max(1, count), widest); columns += 1) {
    const rows = Math.ceil(count / columns);
    const boxWidth = (widthPx - gapPx * (columns - 1)) / columns;
    const boxHeight = (heightPx - gapPx * (rows - 1)) / rows;
    const size = Math.min(boxWidth, boxHeight * aspect);
    if (boxHeight >= minHeightPx && size > bestSize) {
      bestSize = size;
      best = { columns, rows, fits: true };
    }
  }
  if (best !== null) return best;
  const columns = Math.min(Math.max(1, count), widest);
  return { columns, rows: Math.ceil(count / columns), fits: false };
}
