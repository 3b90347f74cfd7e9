/**
 * Evaluates a new bundle in a separate process, before the runtime takes the bundle over. A file
 * that throws during loading, or never ends, would take the running worker down.
 *
 * The trial is `workerd test`, which loads the bundle like a deployment, without a request, and
 * reports the end. Bindings are empty objects: nothing can be read from them outside a request.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { placeIn, type OwnPlace, type OwnSources } from "../contract/own-sources.ts";
import { renderDiagnostic } from "../compiler/diagnostic.ts";
import { printable } from "../compiler/printable.ts";
import { offsetAt } from "../compiler/source.ts";
import type { Bundle } from "./bundle.ts";
import type { OwnFolders } from "./own-sources.ts";

/** The time to load a bundle. A deployment has one second of CPU time. */
const LIMIT_MS = 10_000;
/** The time to find the statement that does not end. */
const SEARCH_LIMIT_MS = 3_000;
/** The beginning of a line that names a line of the bundle, before it runs. */
const MARK = "peach-at ";
/** The line by which the trial says how loading ended. */
const VERDICT = "peach-trial ";

/** The reason why a bundle cannot be taken over. */
export type Fault =
  | { readonly type: "threw"; readonly message: string; readonly stack: string }
  /** `at` is the place that the endless work stands at; null if it is unknown. */
  | { readonly type: "endless"; readonly at: OwnPlace | null };

/** The end of a trial. */
export type Trial =
  | { readonly type: "loads" }
  | Fault
  /** The trial itself could not be run, twice, and tells nothing of the bundle. */
  | { readonly type: "untried"; readonly reason: string };

/** Evaluates the bundle. */
export async function tryWorker(
  folder: string,
  { text, sources }: Bundle & { readonly sources: OwnSources },
  config: Readonly<Record<string, unknown>>,
): Promise<Trial> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, "trial.js"), TRIAL);
  // Variables hold secrets. The folder is readable by its owner only.
  const path = join(folder, "trial.capnp");
  writeFileSync(path, configOf(config), { mode: 0o600 });
  const load = async (bundle: string, limitMs: number): Promise<TrialOutput> => {
    writeFileSync(join(folder, "worker.js"), bundle, { mode: 0o600 });
    return outputOf(path, limitMs);
  };
  const first = await load(text, LIMIT_MS);
  // A machine that lacks memory or processes may recover within a moment.
  const output = first.isOverTime || hasVerdict(first) ? first : await load(text, LIMIT_MS);
  if (!output.isOverTime) return readVerdict(output);
  const { lines } = await load(withMarks(text, sources), SEARCH_LIMIT_MS);
  const last = lines.findLast((line) => line.startsWith(MARK))?.slice(MARK.length);
  return { type: "endless", at: last === undefined ? null : placeIn(sources, Number(last), 1) };
}

/** The output of a trial. */
interface TrialOutput {
  readonly lines: readonly string[];
  /** The messages of workerd itself. */
  readonly messages: string;
  /** True if the trial was killed at its time limit. */
  readonly isOverTime: boolean;
}

/** Runs the trial. */
function outputOf(path: string, limitMs: number): Promise<TrialOutput> {
  // The local runtime allows experimental flags as well.
  const child = spawn(workerdPath(), ["test", "--experimental", path], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [output, messages, isOverTime] = ["", "", false];
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (messages += chunk.toString()));
  const timer = setTimeout(() => {
    isOverTime = true;
    child.kill("SIGKILL");
  }, limitMs);
  return new Promise((resolve) => {
    const finish = (error?: Error): void => {
      clearTimeout(timer);
      const reason = error instanceof Error ? error.message : messages.trim();
      resolve({ lines: output.trimEnd().split("\n"), messages: reason, isOverTime });
    };
    child.on("close", () => finish());
    child.on("error", finish);
  });
}

/**
 * Lets each statement that runs during the loading of the project's files print a line first. The
 * bundler indents inner statements; nothing can look into an endless loop.
 */
function withMarks(text: string, { lines }: OwnSources): string {
  return text
    .split("\n")
    .map((line, index) =>
      lines[index + 1]?.[0] === 0 && /^(?!else|import|export)[\w$]/.test(line)
        ? `console.log("${MARK}${index + 1}");${line}`
        : line,
    )
    .join("\n");
}

/** Renders a fault with the place in the project's file. */
export function describeFault(fault: Fault, folders: OwnFolders): string {
  if (fault.type === "threw") {
    const [, path, line, column] = /(?:\(|at )([^()\s]+):(\d+):(\d+)\)?$/m.exec(fault.stack) ?? [];
    const message = `the file throws when it is loaded: ${printableLines(fault.message)}`;
    return path === undefined
      ? `${message}\n${printableLines(fault.stack)}`
      : renderAt({ path, line: Number(line), column: Number(column) }, message, folders);
  }
  const message = `the files take longer than ${LIMIT_MS / 1_000} s to load, a deployment has 1 s`;
  return fault.at === null
    ? message
    : renderAt(fault.at, `${message}: an endless loop outside of a function?`, folders);
}

/** Renders the warning about a bundle without a trial. */
export function describeUntried(reason: string): string {
  const why = reason === "" ? "workerd ended without a message" : reason;
  return `The new version could not be tried before it was taken over: ${why}`;
}

/** Makes each line of a text safe for terminals. */
function printableLines(text: string): string {
  return text.split("\n").map(printable).join("\n");
}

/** Renders a message at a place, with the line of the source if the file is found. */
function renderAt(
  { path, line, column }: OwnPlace,
  message: string,
  { project, conf, pipelines }: OwnFolders,
): string {
  const file = [project, conf, dirname(pipelines)]
    .map((folder) => join(folder, path))
    .find((candidate) => existsSync(candidate));
  if (file === undefined) return `${path}:${line}:${column}: ${message}`;
  const text = readFileSync(file, "utf8");
  const source = { path, text };
  const start = offsetAt(source, { line, column });
  const span = { source, start, end: start + 1 };
  return renderDiagnostic({ code: "PEACH606", span, message, hint: null, related: [] });
}

/** The module that loads the bundle and prints how that ended. */
const TRIAL = `export default {
  async test() {
    const say = (verdict) => console.log(${JSON.stringify(VERDICT)} + JSON.stringify(verdict));
    try {
      await import("./worker.js");
      say(null);
    } catch (error) {
      let [message, stack] = ["an error that cannot be read", ""];
      try {
        [message, stack] = [String(error), String(error?.stack ?? "")];
      } catch {}
      say({ type: "threw", message, stack });
    }
  },
};
`;

/** Tests if the trial has said how loading ended. */
function hasVerdict({ lines }: TrialOutput): boolean {
  return lines.some((line) => line.startsWith(VERDICT));
}

/** Reads the verdict. A trial without one did not run, and tells nothing of the bundle. */
function readVerdict({ lines, messages }: TrialOutput): Trial {
  const line = lines.find((one) => one.startsWith(VERDICT));
  if (line === undefined) return { type: "untried", reason: messages };
  const verdict: unknown = JSON.parse(line.slice(VERDICT.length));
  if (typeof verdict !== "object" || verdict === null) return { type: "loads" };
  const { message, stack } = { message: "", stack: "", ...verdict };
  return { type: "threw", message, stack };
}

/** Makes the configuration of the trial from the runtime's. */
function configOf(config: Readonly<Record<string, unknown>>): string {
  const { compatibility_date: date, compatibility_flags: flags = [], vars = {} } = config;
  const texts = Object.entries(vars ?? {}).filter(([, value]) => typeof value === "string");
  const bindings = [
    ...texts.map(([name, value]) => `(name = ${quoted(name)}, text = ${quoted(String(value))})`),
    ...[...namesOf(config)].map((name) => `(name = ${quoted(name)}, json = "{}")`),
  ];
  const listed = Array.isArray(flags) ? flags.map((flag) => quoted(String(flag))) : [];
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (services = [(name = "main", worker = (
  modules = [
    (name = "trial.js", esModule = embed "trial.js"),
    (name = "worker.js", esModule = embed "worker.js"),
  ],
  compatibilityDate = ${quoted(String(date))},
  compatibilityFlags = [${listed.join(", ")}],
  bindings = [${bindings.join(", ")}],
))]);
`;
}

/** Collects the names of the bindings: entries with a `binding`, and objects and limits by name. */
function namesOf(value: unknown, parent = ""): Set<string> {
  if (typeof value !== "object" || value === null || parent === "vars") return new Set();
  const names = new Set<string>();
  const named = parent === "bindings" || parent === "ratelimits";
  if ("binding" in value && typeof value.binding === "string") names.add(value.binding);
  if (named && "name" in value && typeof value.name === "string") names.add(value.name);
  for (const [key, inner] of Object.entries(value))
    for (const name of namesOf(inner, Array.isArray(value) ? parent : key)) names.add(name);
  return names;
}

/** Quotes a text for Cap'n Proto, which has no `\u` escapes. */
function quoted(text: string): string {
  return JSON.stringify(text).replaceAll(/\\u00([0-9a-f]{2})/g, String.raw`\x$1`);
}

/** The path of workerd, which wrangler brings. */
function workerdPath(): string {
  const wrangler = createRequire(createRequire(import.meta.url).resolve("wrangler/package.json"));
  const workerd: unknown = wrangler("workerd");
  const isModule = typeof workerd === "object" && workerd !== null && "default" in workerd;
  return String(isModule ? workerd.default : workerd);
}
