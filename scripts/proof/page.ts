/** The page of the proofs, from the reports that their commands have left: no figure on it is typed by hand. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { PROOFS, type Proof } from "./proofs.ts";

/** What is kept of one run of a command. */
const keptReport = z.object({
  taken_at: z.iso.datetime(),
  /** Of the code that was proven. */
  commit: z.string(),
  /** What was typed. */
  command: z.string(),
  exit_code: z.number().int(),
  cpus: z.number().int(),
  /** Of the machine, in the minute before it began: figures of a machine that did something else beside say less. */
  load: z.number(),
  report: z.unknown(),
});
export type KeptReport = z.infer<typeof keptReport>;

/** Where the report of a proof lies. */
export function fileOf(folder: string, { name }: Proof): string {
  return join(folder, `${name}.json`);
}

/** The reports of a folder, by the names of their proofs. Throws `ZodError` for a file that is none. */
export function readReports(folder: string): Map<string, KeptReport> {
  const present = PROOFS.filter((proof) => existsSync(fileOf(folder, proof)));
  return new Map(
    present.map((proof) => [
      proof.name,
      keptReport.parse(JSON.parse(readFileSync(fileOf(folder, proof), "utf8"))),
    ]),
  );
}

const HEAD = `# The long proofs, as they last were run

Written by \`npm run proof\` from the reports beside this page (\`docs/proof/*.json\`), each of which a command has printed.
What \`npm test\` proves stands in no figure: it passes. What each proof is about, and what the reports do not say: [how Peach is proven](../design/proof.md).
`;

/** The page; a proof that was never run is named as such. */
export function renderPage(reports: ReadonlyMap<string, KeptReport>): string {
  return [HEAD, ...PROOFS.map((proof) => section(proof, reports.get(proof.name) ?? null))].join(
    "\n",
  );
}

function section(proof: Proof, kept: KeptReport | null): string {
  const { title, says, command, name } = proof;
  const head = `## ${title}\n\n${says}\n`;
  if (kept === null)
    return `${head}\nNot run yet: \`npm run proof -- --only ${name}\` (\`npm run ${command.join(" ")}\`).\n`;
  const { taken_at: at, commit, command: typed, exit_code: code, cpus, load, report } = kept;
  const how = `${at.slice(0, 10)}, commit ${commit}, \`${typed}\`, ${cpus} processors, load before ${load.toFixed(1)}${code === 0 ? "" : `, **exit code ${code}**`}.`;
  return `${head}\n${how}\n\n${proof.show(report)}\n`;
}
