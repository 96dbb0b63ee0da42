/** What is written into lineside.toml so that a previewed change is applied. Pure. */

/** By the plant's clock, "HH:MM". */
export interface Hours {
  readonly start: string;
  readonly end: string;
}

interface ShiftChange {
  readonly id: string;
  readonly hours: Hours;
  /** Those that remain, where others would lie outside of the hours; left out: they stay. */
  readonly breaks?: readonly string[] | undefined;
}

/** Return the lines to change. `stopAfterMin` in minutes; null: it stays as it is. */
export function writeChange(
  lineId: string,
  stopAfterMin: number | null,
  shifts: readonly ShiftChange[],
): string {
  const tables = shifts.map(
    ({ id, hours, breaks }) =>
      `[[shift]]\nid = ${JSON.stringify(id)}\nstart = "${hours.start}"\nend = "${hours.end}"` +
      (breaks === undefined
        ? ''
        : `\nbreaks = [${breaks.map((each) => JSON.stringify(each)).join(', ')}]`),
  );
  if (stopAfterMin !== null) {
    const seconds = Math.round(stopAfterMin * 60);
    const value = seconds % 60 === 0 ? `${seconds / 60}m` : `${seconds}s`;
    tables.unshift(`[[line]]\nid = ${JSON.stringify(lineId)}\nstop_after = "${value}"`);
  }
  return tables.join('\n\n');
}
