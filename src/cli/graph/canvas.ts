/**
 * A grid of characters with lines and texts. Lines of the same owner are joined where they meet.
 */

/** The directions in which a line leaves a cell, as bits. */
export const UP = 1;
export const DOWN = 2;
export const LEFT = 4;
export const RIGHT = 8;

/** The character of each combination of directions. */
const LINES = " ╵╷│╴┘┐┤╶└┌├─┴┬┼";

/** A piece of a row in one style. */
export interface Piece {
  readonly text: string;
  readonly isLine: boolean;
}

/** The content of a cell: the character of a text, or the directions of each line by owner. */
type Cell = string | Map<object, number>;

export class Canvas {
  readonly #rows: (Cell | undefined)[][] = [];

  /** The number of rows that are in use. */
  get height(): number {
    return this.#rows.length;
  }

  /** Writes a text over the present content. */
  write(row: number, column: number, text: string): void {
    const cells = this.#row(row);
    for (let index = 0; index < text.length; index++) cells[column + index] = text.charAt(index);
  }

  /** Adds directions of a line to a cell. Lines of one owner are joined. */
  line(row: number, column: number, directions: number, owner: object): void {
    const cells = this.#row(row);
    const cell = cells[column] ?? new Map<object, number>();
    if (typeof cell === "string") return;
    cell.set(owner, (cell.get(owner) ?? 0) | directions);
    cells[column] = cell;
  }

  /** Returns the pieces of each row, without blanks at the end. */
  rows(): Piece[][] {
    return this.#rows.map((cells) => {
      const pieces: Piece[] = [];
      for (const cell of Array.from(cells)) {
        const piece = { text: characterOf(cell), isLine: typeof cell !== "string" };
        const last = pieces.at(-1);
        if (last?.isLine === piece.isLine)
          pieces[pieces.length - 1] = { ...last, text: last.text + piece.text };
        else pieces.push(piece);
      }
      return pieces;
    });
  }

  #row(row: number): (Cell | undefined)[] {
    while (this.#rows.length <= row) this.#rows.push([]);
    return this.#rows[row] ?? [];
  }
}

function characterOf(cell: Cell | undefined): string {
  if (cell === undefined) return " ";
  if (typeof cell === "string") return cell;
  const lines = [...cell.values()];
  const isCrossing =
    lines.length > 1 && lines.every((one) => one === (UP | DOWN) || one === (LEFT | RIGHT));
  // A gap in the horizontal line shows that the lines do not meet.
  const directions = isCrossing ? UP | DOWN : lines.reduce((all, one) => all | one, 0);
  return LINES.charAt(directions);
}
