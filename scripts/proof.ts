/**
 * `npm run proof`: runs the long proofs one after another, keeps their output, and writes the page
 * of their figures.
 */
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import { styleText } from "node:util";
import { parseOptions, UsageError } from "../src/local/arguments.ts";
import { exitCodeOf } from "../src/local/exit-code.ts";
import { commitOf } from "./commit.ts";
import { fileOf, readMutation, readReports, renderPage, type KeptReport } from "./proof/page.ts";
import { PROOFS, type Proof } from "./proof/proofs.ts";

const FOLDER = "docs/proof";
const PAGE = "README.md";
const USAGE = `usage: npm run proof [-- --only NAME]... [-- --into FOLDER] [-- --page]

Runs the proofs that take longer than npm test, one after another, keeps the JSON that each prints
as FOLDER/NAME.json, and writes FOLDER/${PAGE} from them. One that fails is kept as well, with its
exit code. All of them take about an hour and a half.

  --only NAME    only this one (may be repeated): ${PROOFS.map(({ name }) => name).join(", ")}
  --into FOLDER  where to (default ${FOLDER})
  --page         runs none, only writes the page from the reports that are there
  --help         this text

Exit code: 0 if all that were run have passed, 1 if one has not, 2 if the command was called
wrongly.`;

async function main(args: readonly string[]): Promise<number> {
  const given = parseOptions(args, {
    only: { type: "string", multiple: true },
    into: { type: "string" },
    page: { type: "boolean" },
    help: { type: "boolean", short: "h" },
  });
  if (given.help === true) {
    console.log(USAGE);
    return 0;
  }
  const folder = given.into ?? FOLDER;
  const proofs =
    given.page === true ? [] : given.only === undefined ? PROOFS : given.only.map(proofNamed);
  mkdirSync(folder, { recursive: true });
  let failed = 0;
  for (const proof of proofs) {
    console.log(`${proof.name}: npm run ${proof.command.join(" ")}`);
    const kept = await run(proof);
    if (kept.exit_code !== 0) failed += 1;
    console.log(
      styleText(
        kept.exit_code === 0 ? "green" : "red",
        `${proof.name}: exit code ${kept.exit_code}`,
      ),
    );
    // A proof without a report keeps its former one.
    if (kept.report === null) continue;
    writeFileSync(fileOf(folder, proof), `${JSON.stringify(kept, null, 2)}\n`);
    console.log(proof.show(kept.report));
  }
  writeFileSync(join(folder, PAGE), renderPage(readReports(folder), readMutation(folder)));
  return failed === 0 ? 0 : 1;
}

/** Finds a proof by name. Throws for an unknown name. */
function proofNamed(name: string): Proof {
  const proof = PROOFS.find((known) => known.name === name);
  if (proof !== undefined) return proof;
  const known = PROOFS.map((each) => each.name).join(", ");
  throw new UsageError(
    `--only takes the name of a proof (${known}), given ${JSON.stringify(name)}.`,
  );
}

async function run({ command }: Proof): Promise<KeptReport> {
  const before = {
    taken_at: new Date().toISOString(),
    commit: commitOf(),
    cpus: cpus().length,
    load: loadavg()[0] ?? 0,
  };
  const child = spawn("npm", ["run", "--silent", ...command], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  const code = await new Promise<number>((done, fail) => {
    child.once("error", fail).once("close", (exitCode) => done(exitCode ?? 1));
  });
  const report = reportIn(output);
  return {
    ...before,
    command: `npm run ${command.join(" ")}`,
    exit_code: report === null ? code || 1 : code,
    report,
  };
}

/** Parses the report of a command. Prints an output that is no JSON, and returns null. */
function reportIn(output: string): unknown {
  try {
    return JSON.parse(output);
  } catch {
    console.error(`It printed no report:\n${output}`);
    return null;
  }
}

process.exitCode = await exitCodeOf(main, USAGE);
