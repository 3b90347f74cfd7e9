/**
 * Renders text for terminals: tables that fit the width, colours if supported, and no control
 * characters.
 */
import { styleText } from "node:util";
import { printable } from "../compiler/printable.ts";
import { cellsOf, widthOf } from "../compiler/text-width.ts";
import type { CommandHost, Terminal } from "./command.ts";

type Colour = "green" | "red" | "yellow" | "cyan" | "gray" | "bold";

/** A cell with an optional colour. */
export interface Cell {
  readonly text: string;
  readonly colour?: Colour | undefined;
}

/** A column of a table. */
interface Column {
  readonly title: string;
  /** True cuts this column first when lines do not fit. */
  readonly shrinks?: boolean;
}

const GAP = "  ";
/** An id, of a run for example: `run_` and 26 characters. */
const ID = /^[a-z]{2,10}_[0-9a-z]{20,}$/;
/** The least width of a column in characters. */
const MIN_WIDTH = 8;
/**
 * Renders a table. In a terminal no line is wider than the terminal, as long as ids leave room for
 * the other columns: ids are never cut.
 */
export function tableLines(
  columns: readonly Column[],
  rows: readonly (readonly (Cell | string)[])[],
  terminal: Terminal,
): string[] {
  const cells = rows.map((row) =>
    row.map((cell) => (typeof cell === "string" ? { text: cell } : cell)),
  );
  const clean = cells.map((row) =>
    row.map((cell): Cell => ({ ...cell, text: printable(cell.text) })),
  );
  const natural = columns.map(({ title }, index) =>
    Math.max(widthOf(title), ...clean.map((row) => widthOf(row[index]?.text ?? ""))),
  );
  // An id that is cut cannot be copied.
  const ids = columns.map((_, index) => clean.some((row) => ID.test(row[index]?.text ?? "")));
  const widths =
    terminal.columns === null ? natural : fitted(columns, natural, terminal.columns, ids);
  const line = (row: readonly Cell[]): string =>
    row
      .map(({ text, colour }, index) => {
        const width = widths[index] ?? 0;
        const shown = cut(text, width);
        const padding =
          index === row.length - 1 ? "" : " ".repeat(Math.max(0, width - widthOf(shown)));
        return paint(shown, colour, terminal) + padding;
      })
      .join(GAP)
      .trimEnd();
  return [line(columns.map(({ title }) => ({ text: title, colour: "bold" }))), ...clean.map(line)];
}

/** A column of a list: its title, the cell of an entry, and "shrinks" if it is cut first. */
export type ListColumn<Entry> = readonly [
  title: string,
  cell: (entry: Entry) => Cell | string,
  shrinks?: "shrinks",
];

/** Renders entries as a table. */
export function listLines<Entry>(
  entries: readonly Entry[],
  columns: readonly ListColumn<Entry>[],
  terminal: Terminal,
): string[] {
  return tableLines(
    columns.map(([title, , shrinks]) => ({ title, shrinks: shrinks === "shrinks" })),
    entries.map((entry) => columns.map(([, cell]) => cell(entry))),
    terminal,
  );
}

/**
 * Prints entries as a table, or `none` without any. The option `--json` prints a document with this
 * property instead.
 */
export function printList<Entry>(
  property: string,
  entries: readonly Entry[],
  none: string,
  columns: readonly ListColumn<Entry>[],
  { json = false }: { readonly json?: boolean | undefined },
  { out, terminal }: CommandHost,
): void {
  if (json) out(JSON.stringify({ [property]: entries }, null, 2));
  else if (entries.length === 0) out(none);
  else out(listLines(entries, columns, terminal).join("\n"));
}

/** Colours a text if the terminal supports it. */
export function paint(text: string, colour: Colour | undefined, { colors }: Terminal): string {
  return colour === undefined || !colors
    ? text
    : styleText(colour, text, { validateStream: false });
}

/** The colours of the statuses of a run, a task or an attempt. */
const STATUS_COLOURS: Readonly<Record<string, Colour>> = {
  succeeded: "green",
  failed: "red",
  timed_out: "red",
  lost: "red",
  running: "cyan",
  retrying: "yellow",
  waiting: "yellow",
  skipped: "gray",
  cancelled: "gray",
};

/** The colour of a status; undefined for a status without one. */
export function statusColour(status: string): Colour | undefined {
  return Object.hasOwn(STATUS_COLOURS, status) ? STATUS_COLOURS[status] : undefined;
}

/** The cell of a status. */
export function statusCell(status: string): Cell {
  return { text: status, colour: statusColour(status) };
}

/** Formats a time: `2026-11-22 21:50:01Z`; null is a dash. */
export function timeText(iso: string | null): string {
  return iso === null ? "-" : `${iso.slice(0, 19).replace("T", " ")}Z`;
}

/** Formats a duration: `35 ms`, `1.2 s`, `3m 20s`, `2h 5m`; null is a dash. */
export function durationText(ms: number | null): string {
  if (ms === null) return "-";
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m ${seconds % 60}s`;
  return `${Math.floor(seconds / 3_600)}h ${Math.floor((seconds % 3_600) / 60)}m`;
}

/** Formats a size: `512 B`, `1.4 KB`, `3.0 MB`. Units are powers of 1,024. */
export function sizeText(bytes: number): string {
  if (bytes < 1_024) return `${bytes} B`;
  return bytes < 1_024 ** 2
    ? `${(bytes / 1_024).toFixed(1)} KB`
    : `${(bytes / 1_024 ** 2).toFixed(1)} MB`;
}

/**
 * Fits widths to the terminal: shrinks the widest shrinkable column first, and other columns only
 * if that is not enough.
 */
function fitted(
  columns: readonly Column[],
  natural: readonly number[],
  available: number,
  ids: readonly boolean[],
): number[] {
  const widths = [...natural];
  const room = available - GAP.length * (columns.length - 1);
  for (const only of [true, false]) {
    while (widths.reduce((sum, width) => sum + width, 0) > room) {
      const candidates = widths.flatMap((width, index) =>
        (!only || columns[index]?.shrinks === true) && width > MIN_WIDTH && ids[index] !== true
          ? [{ width, index }]
          : [],
      );
      if (candidates.length === 0) break;
      const widest = candidates.reduce((a, b) => (b.width > a.width ? b : a));
      widths[widest.index] = widest.width - 1;
    }
  }
  return widths;
}

/** Cuts a text to a width and marks the cut with an ellipsis. */
function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let shown = "";
  let used = 1;
  for (const cell of cellsOf(text)) {
    used += cell.width;
    if (used > width) break;
    shown += cell.character;
  }
  return `${shown}…`;
}
