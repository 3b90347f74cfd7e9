/**
 * The figures of the mutation check by folder of src. A folder is tried alone: the report is kept
 * by folder, each with the commit.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { z } from "zod";

/** 95 % of a normal distribution are within this number of standard deviations. */
const DEVIATIONS = 1.96;

const figures = z.strictObject({
  /** The commit of the tested code, with a plus if files differed from it. */
  commit: z.string(),
  taken_at: z.iso.datetime(),
  seconds: z.number(),
  tried: z.number(),
  /** The number of changes that the tried ones were drawn from, and the seed. Absent: of all. */
  drawn_from: z.number().optional(),
  seed: z.number().optional(),
  noticed: z.number(),
  /** Changes that no test can notice, each with a reason in test/mutation/explained.json. */
  explained: z.number(),
  /** The other changes, as `file:line: code → changed code`. */
  missed: z.array(z.string()),
});
export type Figures = z.infer<typeof figures>;
const report = z.strictObject({ folders: z.record(z.string(), figures) });
export type MutationReport = z.infer<typeof report>;

/** Reads a kept report; empty if there is none. Throws `ZodError` for a file that is no report. */
export function readMutations(path: string): MutationReport {
  return existsSync(path) ? report.parse(JSON.parse(readFileSync(path, "utf8"))) : { folders: {} };
}

/** Keeps the figures of these folders beside the figures of all further folders. */
export function keepMutations(path: string, fresh: MutationReport["folders"]): void {
  const all = { ...readMutations(path).folders, ...fresh };
  const folders = Object.fromEntries(
    Object.entries(all).toSorted(([one], [other]) => (one < other ? -1 : 1)),
  );
  writeFileSync(path, `${JSON.stringify({ folders }, null, 2)}\n`);
}

/** Renders the figures as a table in Markdown. */
export function mutationTable({ folders }: MutationReport): string {
  const all = Object.entries(folders);
  const sum = (of: (one: Figures) => number): number =>
    all.reduce((total, [, one]) => total + of(one), 0);
  const rows = all.map(([folder, one]) =>
    row(`src/${folder}`, one, `${one.commit}, ${one.taken_at.slice(0, 10)}`),
  );
  const total = row(
    "**all of these**",
    {
      tried: sum((one) => one.tried),
      noticed: sum((one) => one.noticed),
      explained: sum((one) => one.explained),
    },
    "",
  );
  return [
    "| folder | changes tried | noticed | explained | left | noticed or explained | commit |",
    "| --- | --- | --- | --- | --- | --- | --- |",
    ...rows,
    total,
  ].join("\n");
}

function row(
  name: string,
  figures: Pick<Figures, "tried" | "noticed" | "explained" | "drawn_from">,
  commit: string,
): string {
  const { tried, noticed, explained, drawn_from: all } = figures;
  const percent = tried === 0 ? 100 : (100 * (noticed + explained)) / tried;
  const score = `${percent.toFixed(1)} %`;
  const cells = [
    name,
    all === undefined ? tried : `${tried} of ${all}`,
    noticed,
    explained,
    tried - noticed - explained,
    all === undefined ? score : `${score} (${intervalOf(noticed + explained, tried)})`,
    commit,
  ];
  return `| ${cells.join(" | ")} |`;
}

/** The 95 % interval of Wilson for the share in all from which a sample was drawn. */
export function intervalOf(hits: number, count: number): string {
  const square = DEVIATIONS ** 2;
  const share = hits / count;
  const middle = (share + square / (2 * count)) / (1 + square / count);
  const root = Math.sqrt((share * (1 - share)) / count + square / (4 * count ** 2));
  const half = (DEVIATIONS * root) / (1 + square / count);
  const bounds = [middle - half, middle + half].map((bound) => (100 * bound).toFixed(1));
  return `${bounds.join(" to ")} %`;
}
