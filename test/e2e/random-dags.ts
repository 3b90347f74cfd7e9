/** Random graphs, the same for the same seed, and the peach.conf that has them all. */
import { stringify } from "yaml";

export interface RandomTask {
  readonly name: string;
  readonly upstream: readonly string[];
  readonly downstream: readonly string[];
}

/** Every task can be reached from the first. */
export type RandomDag = readonly [root: RandomTask, ...others: RandomTask[]];

/** This many graphs of 1 to `maxTasks` tasks each. Names are unique over all of them. */
export function randomDags(seed: number, count: number, maxTasks: number): RandomDag[] {
  const random = mulberry32(seed);
  return Array.from({ length: count }, (_, index) => randomDag(`d${index}`, 1 + below(random, maxTasks), random));
}

/** The configuration whose tasks all have this method. */
export function confOf(dags: readonly RandomDag[], method: string): string {
  const tasks = dags.flat().map(({ name, downstream }) => [name, { method, downstream }] as const);
  return stringify({ tasks: Object.fromEntries(tasks) });
}

/** A parent of each task is drawn among those before it, and then more of them: trees, chains, diamonds, wide joins. */
function randomDag(prefix: string, size: number, random: () => number): RandomDag {
  const name = (index: number): string => `${prefix}_t${index}`;
  const edges = new Set<string>();
  // Few graphs are dense: most have about one edge more than a tree.
  const density = random() ** 3;
  // Near parents make chains, far ones make fans.
  const reach = 1 + below(random, size);
  for (let child = 1; child < size; child += 1) {
    const first = Math.max(0, child - reach);
    edges.add(`${first + below(random, child - first)} ${child}`);
    for (let parent = 0; parent < child; parent += 1) if (random() < density / 2) edges.add(`${parent} ${child}`);
  }
  const pairs = [...edges].map((edge) => edge.split(" ").map(Number)).map(([from = 0, to = 0]) => ({ from, to }));
  const taskAt = (index: number): RandomTask => ({
    name: name(index),
    upstream: pairs.filter(({ to }) => to === index).map(({ from }) => name(from)),
    downstream: pairs.filter(({ from }) => from === index).map(({ to }) => name(to)),
  });
  return [taskAt(0), ...Array.from({ length: size - 1 }, (_, index) => taskAt(index + 1))];
}

function below(random: () => number, limit: number): number {
  return Math.floor(random() * limit);
}

/** Tommy Ettinger's mulberry32: 32 bits of state are plenty to draw graphs. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
