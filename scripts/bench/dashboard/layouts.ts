/**
 * Compares layouts of graphs: Peach's own layers beside dagre, elkjs and d3-dag, in processor time,
 * in crossings and in the size of the script for a browser. The libraries are no dependencies:
 * install them into a folder and name the folder. Without a folder only Peach's own layout is
 * measured, which takes some seconds.
 *
 *     npm run bench:layouts -- [FOLDER] [WFCOMMONS.json …]
 */
import { spawnSync } from "node:child_process";
import { cpus } from "node:os";
import { basename } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import * as z from "zod";
import { madeGraph, mosaicGraph, realGraph } from "./graphs.ts";
import { layOutBy, moduleOf, type Library, type Placed } from "./layout-libraries.ts";

/** The numbers of tasks of the made graphs. */
const SIZES = [100, 500, 2_000, 5_000];
/** The time limit of a layout. */
const LIMIT_MS = 60_000;

const measuredSchema = z.object({ ms: z.number(), crossings: z.number() });

/** Measures a layout in this process. The parent process enforces the limit. */
async function measureOne(library: Library, graph: string, folder: string): Promise<void> {
  const [kind = "", value = ""] = graph.split("=");
  const tasks =
    kind === "file"
      ? realGraph(value)
      : kind === "mosaic"
        ? mosaicGraph(Number(value))
        : madeGraph(Number(value));
  const start = process.cpuUsage();
  const placed = await layOutBy(library, folder, tasks);
  // Not the time of the clock: another process may have the processor meanwhile.
  const { user, system } = process.cpuUsage(start);
  const ms = (user + system) / 1_000;
  console.log(JSON.stringify({ ms: Math.round(ms), crossings: crossingsOf(placed) }));
}

/** Counts the pairs of straight lines between boxes that cross. */
function crossingsOf({ lines }: Placed): number {
  const side = (a: Point, b: Point, c: Point): number =>
    (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
  const sorted = lines.toSorted((a, b) => a.from.x - b.from.x);
  let count = 0;
  for (const [index, { from, to }] of sorted.entries())
    for (let next = index + 1; next < sorted.length; next++) {
      const other = sorted[next];
      if (other === undefined || other.from.x >= to.x) break;
      const isApart =
        side(from, to, other.from) * side(from, to, other.to) >= 0 ||
        side(other.from, other.to, from) * side(other.from, other.to, to) >= 0;
      if (!isApart) count += 1;
    }
  return count;
}

type Point = Placed["lines"][number]["from"];

/** The compressed size of a library as a browser would load it, in KB. */
async function sizeOf(library: Library, folder: string): Promise<number> {
  const { outputFiles } = await build({
    entryPoints: [moduleOf(library, folder)],
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    platform: "browser",
    external: ["web-worker"],
    logLevel: "silent",
  });
  return gzipSync(outputFiles[0]?.text ?? "").byteLength / 1_000;
}

/** Prints the table, or measures a single layout for the parent process. */
async function main([first = "", ...rest]: readonly string[]): Promise<void> {
  if (first === "--one") {
    const [library = "own", graph = "", folder = ""] = rest;
    const known = libraries().find((name) => name === library) ?? "own";
    return measureOne(known, graph, folder);
  }
  const isFolder = first !== "" && !first.endsWith(".json");
  const folder = isFolder ? pathToFileURL(first).pathname : "";
  const compared = isFolder ? libraries() : libraries().slice(0, 1);
  const files = isFolder || first === "" ? rest : [first, ...rest];
  const graphs = [
    ...SIZES.map((size) => `made=${size}`),
    "mosaic=1739",
    ...files.map((file) => `file=${file}`),
  ];
  console.log(`${cpus()[0]?.model ?? "?"}, ${cpus().length} cores, Node ${process.version}\n`);
  console.log(`| graph | ${compared.join(" | ")} |\n| --- |${" --- |".repeat(compared.length)}`);
  const sizes = await Promise.all(compared.map((library) => sizeOf(library, folder)));
  console.log(`| size, KB compressed | ${sizes.map((size) => size.toFixed(1)).join(" | ")} |`);
  for (const graph of graphs) {
    const cells = compared.map((library) => {
      const { status, stdout } = spawnSync(
        process.execPath,
        [import.meta.filename, "--one", library, graph, folder],
        { timeout: LIMIT_MS, encoding: "utf8" },
      );
      if (status !== 0) return status === null ? `none in ${LIMIT_MS / 1_000} s` : "fails";
      const { ms, crossings } = measuredSchema.parse(JSON.parse(stdout));
      return `${ms.toLocaleString("en")} ms, ${crossings.toLocaleString("en")}`;
    });
    console.log(`| ${basename(graph).replace("=", " ")} | ${cells.join(" | ")} |`);
  }
}

function libraries(): readonly Library[] {
  return ["own", "dagre", "elkjs", "d3-dag"];
}

await main(process.argv.slice(2));
