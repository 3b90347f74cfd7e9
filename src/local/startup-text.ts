/** The text that `npm run dev` prints once the runtime is ready. */
import { relative } from "node:path";
import { styleText } from "node:util";
import type { EndpointPlan, Plan, R2Rule, TaskPlan } from "../domain/plan/plan.ts";
import type { NeededSecret } from "../compiler/needed-secrets.ts";
import type { ProjectPaths } from "../compiler/project-paths.ts";
import { describeMissing } from "./secrets.ts";

/** The facts to print. */
export interface StartupFacts {
  readonly url: string;
  /** A link that logs one browser in, once. */
  readonly loginLink: string;
  readonly plan: Plan;
  readonly paths: ProjectPaths;
  readonly missingSecrets: readonly NeededSecret[];
  /** Names of the secrets that were just made. */
  readonly madeSecrets: readonly string[];
  readonly stateFolder: string;
  /** The origin of the API token, in words. */
  readonly tokenSource: string;
}

/** Renders the URL, the ways to call the API, and the tasks and endpoints. */
export function startupText({
  url,
  loginLink,
  plan,
  paths,
  missingSecrets,
  madeSecrets,
  stateFolder,
  tokenSource,
}: StartupFacts): string {
  const title = (text: string): string => styleText("bold", text);
  const api = tryLines(url, plan);
  return [
    `${title("Peach, local runtime")}  ${styleText("cyan", url)}`,
    ...aligned([
      [
        "dashboard",
        `${styleText("cyan", loginLink)} (logs one browser in, once, within twelve hours)`,
      ],
      ["peach.conf", `${shortPath(paths.confPath)}, pipelines in ${shortPath(paths.pipelinesDir)}`],
      ["state", `${shortPath(stateFolder)} (started again on it, everything goes on where it was)`],
      ["API token", tokenSource],
      ...(madeSecrets.length === 0 ? [] : [["secrets", describeMade(madeSecrets)] as const]),
    ]),
    "",
    ...describePlan(plan, url),
    ...(missingSecrets.length === 0 ? [] : ["", styleText(["bold", "yellow"], "Missing secrets")]),
    ...describeMissing(missingSecrets).map((line) => `  ${line}`),
    "",
    title("Try"),
    ...api.map((line) => `  ${line}`),
    "",
    "Changes of peach.conf and of the pipelines are taken over as they are saved. Ctrl-C ends it.",
  ].join("\n");
}

/** Renders a line per task and endpoint. */
export function describePlan(plan: Plan, url: string): string[] {
  const title = (text: string): string => styleText("bold", text);
  return [
    title("Tasks"),
    ...aligned(Object.values(plan.tasks).map((task) => [task.name, describeTask(task)])),
    ...(plan.endpoints.length === 0 ? [] : [title("Endpoints")]),
    ...aligned(plan.endpoints.map((endpoint) => [endpoint.name, describeEndpoint(endpoint, url)])),
  ];
}

/** Describes a task: its triggers, times and downstream tasks. */
function describeTask({ on, schedules, downstream, description }: TaskPlan): string {
  const triggers = on.r2.map((rule) => `on ${rule.bucket}/${rule.prefix}*${rule.suffix}`);
  const times = schedules.map(({ cron, timezone }) => `at ${cron} ${timezone}`);
  const followers = downstream.length === 0 ? [] : [`then ${downstream.join(", ")}`];
  return [...(description === null ? [] : [description]), ...triggers, ...times, ...followers].join(
    "; ",
  );
}

function describeEndpoint({ methods, url: path }: EndpointPlan, url: string): string {
  return `${methods?.join(", ") ?? "any method"} ${url}${path}`;
}

/** Describes the webhook secrets that were just made, and their place. */
export function describeMade(names: readonly string[]): string {
  return `${names.join(", ")} in .dev.vars, made now: what is sent to its endpoints is signed with it`;
}

/**
 * Commands to try, which work unchanged. They contain no secret, since terminals are recorded,
 * shared and scrolled back.
 */
function tryLines(url: string, plan: Plan): string[] {
  const tasks = Object.values(plan.tasks);
  const upload = tasks.flatMap(({ on }) => on.r2).find(({ actions }) => actions.includes("create"));
  const root = tasks.find(({ upstream }) => upstream.length === 0);
  return [
    ...(upload === undefined
      ? []
      : [`curl -T FILE ${url}/dev/r2/${upload.bucket}/${exampleKey(upload)}`]),
    ...(root === undefined
      ? []
      : [`npm run peach -- trigger ${root.name} --json-payload '{}' --url ${url}`]),
  ];
}

/** Returns a key that a rule lets pass. */
function exampleKey({ prefix, suffix }: R2Rule): string {
  return `${prefix}example${suffix}`;
}

/** Renders rows of two columns. */
function aligned(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(0, ...rows.map(([name]) => name.length));
  return rows.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`.trimEnd());
}

/** Shortens a path below the current folder. */
function shortPath(path: string): string {
  const short = relative("", path);
  return short === "" || short.startsWith("..") ? path : short;
}
