/** Places intervals on a line near the wanted places, in a given order. */

/** Neighbours that touch each other and move together. */
interface Block {
  /** The best place of the first interval for the whole block. */
  readonly at: number;
  readonly weight: number;
  readonly count: number;
}

/**
 * Finds the first columns nearest to the wanted columns (by least squares), in the given order and
 * without overlap. `widths` include the gap behind. Returns whole numbers.
 */
export function balanced(
  wanted: readonly number[],
  weights: readonly number[],
  widths: readonly number[],
): number[] {
  // Without widths the nearest ascending numbers are sought: neighbours in the wrong order are pooled.
  const starts = widths.map((_, index) => sum(widths.slice(0, index)));
  const blocks: Block[] = [];
  for (const [index, column] of wanted.entries()) {
    let block: Block = {
      at: column - (starts[index] ?? 0),
      weight: weights[index] ?? 1,
      count: 1,
    };
    for (let last = blocks.at(-1); last !== undefined && last.at > block.at; last = blocks.at(-1)) {
      blocks.pop();
      const weight = last.weight + block.weight;
      const at = (last.at * last.weight + block.at * block.weight) / weight;
      block = { at, weight, count: last.count + block.count };
    }
    blocks.push(block);
  }
  const places = blocks.flatMap(({ at, count }) => Array.from({ length: count }, () => at));
  return places.map((at, index) => Math.round(at) + (starts[index] ?? 0));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
