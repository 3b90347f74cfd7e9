/** Text for terminals: tables that fit, colours where they are wanted, nothing that a terminal would take for a command. */
import { stripVTControlCharacters, styleText } from "node:util";
import type { Terminal } from "./command.ts";

type Colour = "green" | "red" | "yellow" | "cyan" | "gray" | "bold";

/** A cell, which may be painted. */
export interface Cell {
  readonly text: string;
  readonly colour?: Colour | undefined;
}

export interface Column {
  readonly title: string;
  /** Is cut first when a line does not fit. */
  readonly shrinks?: boolean;
}

const GAP = "  ";
/** Narrower, a column says nothing. */
const MIN_WIDTH = 8;
const WIDE =
  /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/u;
const GRAPHEMES = new Intl.Segmenter();

/** The lines of a table; on a terminal none is longer than it is wide. */
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
  const widths = terminal.columns === null ? natural : fitted(columns, natural, terminal.columns);
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

/** The text in this colour, if the terminal shows colours. */
export function paint(text: string, colour: Colour | undefined, { colors }: Terminal): string {
  return colour === undefined || !colors
    ? text
    : styleText(colour, text, { validateStream: false });
}

/** The colour of a status of a run, a task or an attempt. */
export function statusColour(status: string): Colour | undefined {
  switch (status) {
    case "succeeded":
      return "green";
    case "failed":
    case "timed_out":
    case "lost":
      return "red";
    case "running":
      return "cyan";
    case "retrying":
    case "waiting":
      return "yellow";
    case "skipped":
    case "cancelled":
      return "gray";
    default:
      return undefined;
  }
}

/** On one line, without what would steer the terminal, or have others' words read in another order. */
export function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex -- These are the ones.
  const steers = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]+/g;
  return stripVTControlCharacters(text).replaceAll(steers, " ");
}

/** `2026-11-22 21:50:01Z`; a dash for none. */
export function timeText(iso: string | null): string {
  return iso === null ? "-" : `${iso.slice(0, 19).replace("T", " ")}Z`;
}

/** `35 ms`, `1.2 s`, `3m 20s`, `2h 5m`; a dash for none. */
export function durationText(ms: number | null): string {
  if (ms === null) return "-";
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m ${seconds % 60}s`;
  return `${Math.floor(seconds / 3_600)}h ${Math.floor((seconds % 3_600) / 60)}m`;
}

/** `512 B`, `1.4 KB`, `3.0 MB`. */
export function sizeText(bytes: number): string {
  if (bytes < 1_024) return `${bytes} B`;
  return bytes < 1_024 ** 2
    ? `${(bytes / 1_024).toFixed(1)} KB`
    : `${(bytes / 1_024 ** 2).toFixed(1)} MB`;
}

/** Takes what is too much from the columns that shrink, the widest first; then from all. */
function fitted(
  columns: readonly Column[],
  natural: readonly number[],
  available: number,
): number[] {
  const widths = [...natural];
  const room = available - GAP.length * (columns.length - 1);
  for (const only of [true, false]) {
    while (widths.reduce((sum, width) => sum + width, 0) > room) {
      const candidates = widths.flatMap((width, index) =>
        (!only || columns[index]?.shrinks === true) && width > MIN_WIDTH ? [{ width, index }] : [],
      );
      if (candidates.length === 0) break;
      const widest = candidates.reduce((a, b) => (b.width > a.width ? b : a));
      widths[widest.index] = widest.width - 1;
    }
  }
  return widths;
}

function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let shown = "";
  let used = 1;
  for (const { segment } of GRAPHEMES.segment(text)) {
    used += WIDE.test(segment) ? 2 : 1;
    if (used > width) break;
    shown += segment;
  }
  return `${shown}…`;
}

function widthOf(text: string): number {
  let width = 0;
  for (const { segment } of GRAPHEMES.segment(text)) width += WIDE.test(segment) ? 2 : 1;
  return width;
}
