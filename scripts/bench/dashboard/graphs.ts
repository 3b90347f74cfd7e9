/**
 * Graphs to measure: made ones of any size, and real ones of WfCommons (WfInstances), whose files
 * are given on the command line.
 */
import { readFileSync } from "node:fs";
import * as z from "zod";

/** A task of a graph with the tasks that follow it. */
export interface GraphTask {
  readonly task: string;
  readonly downstream: readonly string[];
}

/** The widest layer of a made graph. */
const WIDEST = 40;

/**
 * Makes a graph of layers with up to forty tasks. A task has one to three parents in the layer
 * before, and one task in fifty also a parent far above. Names share no stem, so no tasks can be
 * grouped: the worst case.
 */
export function madeGraph(count: number): readonly GraphTask[] {
  const random = randomOf(count);
  const names = Array.from({ length: count }, (_, at) => nameOf(at, random));
  const below: Set<string>[] = names.map(() => new Set());
  for (let at = 1; at < count; at++) {
    const layer = Math.ceil(at / WIDEST);
    const start = layer === 1 ? 0 : (layer - 2) * WIDEST + 1;
    const width = layer === 1 ? 1 : WIDEST;
    for (let parent = 0; parent <= random() * 2.2; parent++)
      below[start + Math.floor(random() * width)]?.add(names[at] ?? "");
    if (random() < 0.02) below[Math.floor(random() * start)]?.add(names[at] ?? "");
  }
  return names.map((task, at) => ({ task, downstream: [...(below[at] ?? [])] }));
}

/** The words of made names. */
const WORDS = [
  "align",
  "merge",
  "index",
  "sort",
  "call",
  "filter",
  "plot",
  "fetch",
  "clean",
  "join",
];

/** A name of two words and letters, different for each number. */
function nameOf(at: number, random: () => number): string {
  const word = (): string => WORDS[Math.floor(random() * WORDS.length)] ?? "";
  const letters = String(at).replaceAll(/\d/g, (digit) => "abcdefghij"[Number(digit)] ?? "");
  return `${word()}_${word()}_${letters}`;
}

/**
 * Makes a mosaic like Montage: images are projected, each overlap is fitted, all fits are joined,
 * and each image is corrected.
 */
export function mosaicGraph(count: number): readonly GraphTask[] {
  const images = Math.floor((count - 5) / 5);
  const name = (kind: string, at: number): string => `${kind}_ID${String(at).padStart(7, "0")}`;
  const numbers = Array.from({ length: images }, (_, at) => at);
  const tasks = new Map<string, string[]>([["start", numbers.map((at) => name("mProject", at))]]);
  for (const at of numbers) tasks.set(name("mProject", at), [name("mBackground", at)]);
  for (let fit = 0; fit < count - 5 - 2 * images; fit++) {
    const one = fit % images;
    const other = (one + 1 + Math.floor(fit / images)) % images;
    for (const at of [one, other]) tasks.get(name("mProject", at))?.push(name("mDiffFit", fit));
    tasks.set(name("mDiffFit", fit), ["mConcatFit"]);
  }
  tasks.set("mConcatFit", ["mBgModel"]);
  tasks.set(
    "mBgModel",
    numbers.map((at) => name("mBackground", at)),
  );
  for (const at of numbers) tasks.set(name("mBackground", at), ["mImgtbl"]);
  tasks.set("mImgtbl", ["mAdd"]);
  tasks.set("mAdd", []);
  return [...tasks].map(([task, downstream]) => ({ task, downstream }));
}

/** The parts of a WfCommons instance that make its graph, in the format from 1.5 on. */
const instanceSchema = z.object({
  workflow: z.object({
    specification: z.object({
      tasks: z.array(z.object({ id: z.string(), children: z.array(z.string()) })),
    }),
  }),
});

/** Reads the graph of a WfCommons instance. */
export function realGraph(file: string): readonly GraphTask[] {
  const { workflow } = instanceSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  return workflow.specification.tasks.map(({ id, children }) => ({
    task: id,
    downstream: children,
  }));
}

/** A generator of numbers from 0 to 1, the same for the same seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
