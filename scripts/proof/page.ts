/**
 * Renders the page of the proofs from the reports of their commands. No figure on it is typed by
 * hand.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { mutationTable, readMutations, type MutationReport } from "../mutate/report.ts";
import { PROOFS, type Proof } from "./proofs.ts";

/** The record of a run of a command. */
const keptReport = z.object({
  taken_at: z.iso.datetime(),
  /** The commit of the tested code. */
  commit: z.string(),
  /** The command line. */
  command: z.string(),
  exit_code: z.number().int(),
  cpus: z.number().int(),
  /**
   * The load of the machine in the minute before the run. Figures from a busy machine are less
   * reliable.
   */
  load: z.number(),
  report: z.unknown(),
});
export type KeptReport = z.infer<typeof keptReport>;

/** The path of a proof's report. */
export function fileOf(folder: string, { name }: Proof): string {
  return join(folder, `${name}.json`);
}

/**
 * Reads the reports of a folder by the names of their proofs. Throws `ZodError` for a file that is
 * no report.
 */
export function readReports(folder: string): Map<string, KeptReport> {
  const present = PROOFS.filter((proof) => existsSync(fileOf(folder, proof)));
  return new Map(
    present.map((proof) => [
      proof.name,
      keptReport.parse(JSON.parse(readFileSync(fileOf(folder, proof), "utf8"))),
    ]),
  );
}

const HEAD =
  "# The long proofs, as they last were run\n\n" +
  "Written by `npm run proof` from the reports beside this page (`docs/proof/*.json`), " +
  "each of which a command has printed.\n" +
  "What `npm test` proves stands in no figure: it passes. What each proof is about, " +
  "and what the reports do not say: [how Peach is proven](../design/proof.md).\n";

/** Reads the figures of the mutation check, which it keeps itself, folder by folder. */
export function readMutation(folder: string): MutationReport {
  return readMutations(join(folder, "mutation.json"));
}

/** Renders the page. A proof that was never run is named as such. */
export function renderPage(
  reports: ReadonlyMap<string, KeptReport>,
  mutation: MutationReport,
): string {
  const proofs = PROOFS.map((proof) => section(proof, reports.get(proof.name) ?? null));
  return [HEAD, ...proofs, mutationSection(mutation)].join("\n");
}

/** Renders the section of the mutation check, from its report by folder. */
function mutationSection(mutation: MutationReport): string {
  const command = "npm run mutate -- --into docs/proof/mutation.json";
  const head =
    "## Mutation\n\nSmall changes to the source, one at a time, each of which a test is to notice. " +
    "Those that no test can notice are explained in [test/mutation](../../test/mutation/README.md).\n";
  const isEmpty = Object.keys(mutation.folders).length === 0;
  const figures = isEmpty
    ? `Not run yet: \`${command}\`.`
    : `Kept folder by folder by \`${command}\`.\n\n${mutationTable(mutation)}`;
  return `${head}\n${figures}\n`;
}

/** Renders the section of a proof: statement, circumstances of the last run, and figures. */
function section(proof: Proof, kept: KeptReport | null): string {
  const { title, says, command, name } = proof;
  const head = `## ${title}\n\n${says}\n`;
  if (kept === null) {
    const again = `\`npm run proof -- --only ${name}\` (\`npm run ${command.join(" ")}\`)`;
    return `${head}\nNot run yet: ${again}.\n`;
  }
  const { taken_at: at, commit, command: typed, exit_code: code, cpus, load, report } = kept;
  const failed = code === 0 ? "" : `, **exit code ${code}**`;
  const how =
    `${at.slice(0, 10)}, commit ${commit}, \`${typed}\`, ${cpus} processors, ` +
    `load before ${load.toFixed(1)}${failed}.`;
  return `${head}\n${how}\n\n${proof.show(report)}\n`;
}
