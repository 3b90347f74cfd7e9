import { CODES, findCode } from "../../codes/codes.ts";
import {
  type Diagnostic,
  diagnosticDocument,
  renderDiagnostics,
} from "../../compiler/diagnostic.ts";
import { displayPath, projectPaths } from "../../compiler/project-paths.ts";
import { neededSecrets, type NeededSecret } from "../../compiler/needed-secrets.ts";
import type { Plan } from "../../domain/plan/plan.ts";
import { annotation } from "../check/annotations.ts";
import { checkUntilTold } from "../check/check-until-told.ts";
import { explain } from "../check/explain.ts";
import { sarifLog } from "../check/sarif.ts";
import { type CommandHost, defineCommand, type ExitCode, UsageError } from "../command.ts";
import { peachVersion } from "../version.ts";
import { PEACH } from "../../compiler/peach-command.ts";

const FORMATS = ["text", "json", "sarif", "github"] as const;

/** The answer of a check. */
interface Checked {
  /** The path of peach.conf as messages show it. */
  readonly file: string;
  /** The plan; null if there is any problem. */
  readonly plan: Plan | null;
  readonly problems: readonly Diagnostic[];
  readonly warnings: readonly Diagnostic[];
}

/** `peach check`: checks peach.conf with its pipelines, types and secrets. */
export const check = defineCommand({
  name: "check",
  summary: "checks peach.conf, the methods it names and the data of its edges",
  description: `Checks peach.conf (PEACH_CONF) with the pipelines it names (PEACH_PIPELINES): every
key, the graph, the methods, the buckets, and that what a task is declared to pass fits what the
tasks after it are declared to take. Reports every problem in one go, each with a code that --explain
explains. Lists the secrets that the endpoints need, and do not find in peach.conf: a deployment must
have them. Warns of what is probably not intended; a comment "peach-ignore: CODE REASON" silences a
warning, at its line or above it. Exits with 0 if there is no problem, 1 if there are any; warnings
are none.`,
  options: {
    explain: {
      takes: "CODE",
      help: "explains a code such as PEACH203, with an example, and checks nothing",
    },
    format: {
      takes: "FORMAT",
      values: FORMATS,
      help: "of the answer (default text; github is for annotations in a hosted CI)",
    },
    json: {
      help:
        '--format json: {"ok", "file", "conf_version", "tasks", "endpoints", "secrets": [{"name", ' +
        '"endpoints"}], "problems": [{"code", "severity", "title", "file", "line", "column", ' +
        '"end_line", "end_column", "message", "hint", "related"}], "warnings": [...]}',
    },
  },
  async run({ options }, host) {
    if (options.explain !== undefined) return explainCode(options.explain, host);
    const paths = projectPaths(host.env, host.projectRoot, host.cwd);
    const answer = await checkUntilTold(paths, host.signal);
    if (answer === null) return 1;
    const { plan, diagnostics, warnings } = answer;
    const file = displayPath(paths.confPath);
    const checked = { file, plan, problems: diagnostics, warnings };
    switch (options.json === true ? "json" : (options.format ?? "text")) {
      case "json":
        host.out(JSON.stringify(checkDocument(checked), null, 2));
        break;
      case "sarif":
        host.out(JSON.stringify(sarifLog([...diagnostics, ...warnings], peachVersion()), null, 2));
        break;
      case "github":
        for (const diagnostic of [...diagnostics, ...warnings]) host.out(annotation(diagnostic));
        if (plan !== null) host.out(summaryOf(checked));
        break;
      default:
        writeText(checked, host);
    }
    return plan === null ? 1 : 0;
  },
});

/** Writes the definition of a code, or refuses an unknown one. */
function explainCode(text: string, host: CommandHost): ExitCode {
  const found = findCode(text);
  if (!("code" in found)) {
    const hint =
      found.near === null ? `they go from ${rangeOfCodes()}` : `did you mean ${found.near}?`;
    throw new UsageError(`--explain: there is no code ${text}; ${hint}`);
  }
  host.out(explain(found.code, host.terminal.columns));
  return 0;
}

/** Names the first and the last code. */
function rangeOfCodes(): string {
  const codes = Object.keys(CODES);
  return `${codes[0] ?? ""} to ${codes.at(-1) ?? ""}`;
}

/** Writes the answer for people. Problems go to stderr, with a line on how to learn more. */
function writeText(checked: Checked, { env, out, err }: CommandHost): void {
  const { file, plan, problems } = checked;
  // `peach deploy` has printed them before wrangler's build checks again.
  const warnings = env["PEACH_WARNED"] === "1" ? [] : checked.warnings;
  if (problems.length > 0) err(`${renderDiagnostics(problems)}\n`);
  if (warnings.length > 0) err(`${renderDiagnostics(warnings, "warning: ")}\n`);
  const [first] = [...problems, ...warnings];
  if (plan === null) err(`${file}: ${counted(problems.length, "problem")}`);
  if (first !== undefined)
    err(`For more about ${first.code}: ${PEACH} check --explain ${first.code}`);
  if (plan === null) return;
  out(summaryOf(checked));
  for (const secret of neededSecrets(plan)) out(describeSecret(secret));
}

/** Summarises a conf without problems. */
function summaryOf({ file, plan, warnings }: Checked): string {
  const { tasks = {}, endpoints = [] } = plan ?? {};
  const content = `${counted(Object.keys(tasks).length, "task")} and ${counted(endpoints.length, "endpoint")}`;
  const warned = warnings.length === 0 ? "" : `, ${counted(warnings.length, "warning")}`;
  return `${file}: no problems in ${content}${warned}`;
}

/** Makes the answer for programs. */
function checkDocument({ file, plan, problems, warnings }: Checked): object {
  return {
    ok: plan !== null,
    file,
    conf_version: plan?.version ?? null,
    tasks: Object.keys(plan?.tasks ?? {}).length,
    endpoints: plan?.endpoints.length ?? 0,
    secrets: plan === null ? [] : neededSecrets(plan),
    problems: problems.map(diagnosticDocument),
    warnings: warnings.map(diagnosticDocument),
  };
}

/** Writes a line about a secret, with the commands that set the secret. */
function describeSecret({ name, endpoints }: NeededSecret): string {
  const refuse = `${endpoints.join(", ")} refuse${endpoints.length === 1 ? "s" : ""}`;
  return `needs the secret ${name}, without which ${refuse} every delivery: npx wrangler secret put ${name}; locally a line ${name}=… in .dev.vars`;
}

/** Writes a count with a noun, in the plural if needed. */
export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
