/**
 * `npm run check`: every check that does not run the project. Each check is a separate command.
 * `compile` writes the input of later checks and runs first. Two checks run at a time.
 */
import { spawn } from "node:child_process";
import { parseArgs, stripVTControlCharacters, styleText } from "node:util";

const HELP = `npm run check [-- --json]

Checks peach.conf, that it compiles, format, lint (with the import rules), types, unused code, how
comments read by folder, and the supply chain (packages pinned and allowed by licence, no secret
in a file; writes the bill of materials to sbom.cdx.json).

  --json    one JSON object: {ok, checks: [{check, status, duration_ms, output}]}
  --help    this text

Exit code: 0 if all is well, 1 if a check failed, 2 if the command was called wrongly.
Format is repaired by: npm run format. Types of the bindings by: npm run types`;

/** A check with its commands. */
export interface Check {
  readonly name: string;
  /** Commands of node_modules/.bin, run one after another. */
  readonly commands: readonly (readonly string[])[];
  /** True if the check reads the output of compile. */
  readonly needsCompile: boolean;
}

const COMPILE: Check = {
  name: "compile",
  commands: [["node", "src/cli/bin/compile.ts"]],
  needsCompile: false,
};

const CHECKS: readonly Check[] = [
  { name: "peach.conf", commands: [["node", "src/cli/peach.ts", "check"]], needsCompile: false },
  { name: "format", commands: [["oxfmt", "--check"]], needsCompile: false },
  { name: "lint", commands: [["oxlint"]], needsCompile: true },
  {
    name: "types",
    commands: [
      // The types must not depend on the secrets in one machine's .dev.vars.
      [
        "wrangler",
        "types",
        "worker-configuration.d.ts",
        "--include-runtime=false",
        "--env-file",
        "/dev/null",
        "--check",
      ],
      ["tsc", "--project", "tsconfig.src.json", "--checkers", "1"],
      ["tsc", "--project", "tsconfig.node.json", "--checkers", "1"],
      ["tsc", "--project", "tsconfig.test.json", "--checkers", "1"],
      ["tsc", "--project", "tsconfig.dashboard.json", "--checkers", "1"],
    ],
    needsCompile: true,
  },
  { name: "unused code", commands: [["knip"]], needsCompile: true },
  { name: "comments", commands: [["node", "scripts/lint/prose.ts"]], needsCompile: false },
  { name: "supply chain", commands: [["node", "scripts/supply-chain.ts"]], needsCompile: false },
];

/** The result of a check. */
export interface CheckReport {
  readonly check: string;
  /** `skipped`: its input could not be compiled. */
  readonly status: "ok" | "failed" | "skipped";
  readonly duration_ms: number;
  /** The output of the failed commands. */
  readonly output: string;
}

function runCommand([command = "", ...args]: readonly string[]): Promise<{
  code: number;
  output: string;
}> {
  return new Promise((done) => {
    const child = spawn(command, args, { env: { ...process.env, WRANGLER_SEND_METRICS: "false" } });
    let output = "";
    const collect = (chunk: Buffer): void => void (output += chunk.toString());
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    child.once("error", (error) => done({ code: 1, output: `${command}: ${error.message}` }));
    child.once("close", (code) =>
      done({ code: code ?? 1, output: stripVTControlCharacters(output).trim() }),
    );
  });
}

/** Runs a check and measures the time. */
async function runCheck(check: Check): Promise<CheckReport> {
  const start = performance.now();
  const failures: string[] = [];
  for (const command of check.commands) {
    const { code, output } = await runCommand(command);
    if (code !== 0) failures.push(`$ ${command.join(" ")}\n${output}`);
  }
  const status = failures.length === 0 ? "ok" : "failed";
  return {
    check: check.name,
    status,
    duration_ms: Math.round(performance.now() - start),
    output: failures.join("\n\n"),
  };
}

/**
 * Runs compile and the checks, two at a time. Reports each result as it arrives, and returns the
 * reports in the given order.
 */
export async function runChecks(
  compile: Check,
  checks: readonly Check[],
  told: (report: CheckReport) => void,
): Promise<CheckReport[]> {
  const reports = new Map<Check, CheckReport>();
  const run = async (check: Check, blocked: boolean): Promise<CheckReport> => {
    const skipped: CheckReport = {
      check: check.name,
      status: "skipped",
      duration_ms: 0,
      output: "",
    };
    const report = blocked ? skipped : await runCheck(check);
    reports.set(check, report);
    told(report);
    return report;
  };
  const compiled = run(compile, false);
  const waiting = checks.values();
  const lane = async (): Promise<void> => {
    for (const check of waiting)
      await run(check, check.needsCompile && (await compiled).status !== "ok");
  };
  await Promise.all([compiled.then(lane), lane()]);
  return [compile, ...checks].flatMap((check) => reports.get(check) ?? []);
}

function line({ check, status, duration_ms }: CheckReport): string {
  const word = styleText(
    status === "ok" ? "green" : status === "failed" ? "red" : "yellow",
    status.padEnd(8),
  );
  return `${word}${check.padEnd(13)}${status === "skipped" ? "it needs what compile writes" : `${(duration_ms / 1000).toFixed(1)} s`}`;
}

async function main(args: readonly string[]): Promise<number> {
  let options: { json: boolean; help: boolean };
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { json: { type: "boolean" }, help: { type: "boolean" } },
    });
    options = { json: values.json ?? false, help: values.help ?? false };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${HELP}`);
    return 2;
  }
  if (options.help) {
    console.log(HELP);
    return 0;
  }
  const reports = await runChecks(COMPILE, CHECKS, (report) => {
    if (!options.json) console.log(line(report));
  });
  const ok = reports.every(({ status }) => status === "ok");
  if (options.json) console.log(JSON.stringify({ ok, checks: reports }, null, 2));
  else
    for (const { check, output } of reports)
      if (output !== "") console.log(`\n── ${check} ──\n${output}`);
  return ok ? 0 : 1;
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
