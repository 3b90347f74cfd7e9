/** The text that `npm run dev` prints once the runtime is ready. */
import { relative } from "node:path";
import { styleText } from "node:util";
import type { EndpointPlan, Plan, TaskPlan } from "../domain/plan/plan.ts";
import type { BuiltProject } from "./build.ts";
import { describeMissing } from "./secrets.ts";
import { PEACH } from "../compiler/peach-command.ts";

/** The facts to print. */
export interface StartupFacts extends Pick<
  BuiltProject,
  "plan" | "paths" | "missingSecrets" | "madeSecrets"
> {
  readonly url: string;
  /** A link that logs one browser in, once. */
  readonly loginLink: string;
  readonly stateFolder: string;
  /** The origin of the API token, in words. */
  readonly tokenSource: string;
  /** Commands to try, which work as they are. */
  readonly tries: readonly string[];
  /** The keys of the terminal on one line; null without a terminal. */
  readonly keys: string | null;
}

/** The number of tasks, and of endpoints, that are listed. */
const LISTED = 15;

/** Renders the URL, the ways to call the API, and the tasks and endpoints. */
export function startupText(facts: StartupFacts): string {
  const { url, loginLink, plan, paths, missingSecrets, madeSecrets, tries, keys } = facts;
  const title = (text: string): string => styleText("bold", text);
  return [
    `${title("Peach, local runtime")}  ${styleText("cyan", url)}`,
    ...aligned([
      ["peach.conf", `${shortPath(paths.confPath)}, pipelines in ${shortPath(paths.pipelinesDir)}`],
      [
        "state",
        `${shortPath(facts.stateFolder)} (started again on it, everything goes on where it was)`,
      ],
      ["API token", facts.tokenSource],
      ...(madeSecrets.length === 0 ? [] : [["secrets", describeMade(madeSecrets)] as const]),
    ]),
    "",
    ...describePlan(plan, url),
    ...(missingSecrets.length === 0 ? [] : ["", styleText(["bold", "yellow"], "Missing secrets")]),
    ...describeMissing(missingSecrets).map((line) => `  ${line}`),
    ...(tries.length === 0 ? [] : ["", title("Try"), ...tries.map((line) => `  ${line}`)]),
    "",
    "Changes of peach.conf and of the pipelines are taken over as they are saved. Ctrl-C ends it.",
    ...(keys === null ? [] : [keys]),
    // The last line stays in sight.
    `${title("Dashboard")}  ${styleText("cyan", loginLink)}  (logs one browser in, once)`,
  ].join("\n");
}

/**
 * Renders a line per task and endpoint. Of many tasks only the first root tasks are listed.
 */
export function describePlan(plan: Plan, url: string): string[] {
  const title = (text: string): string => styleText("bold", text);
  const tasks = Object.values(plan.tasks);
  const roots = tasks.filter(({ upstream }) => upstream.length === 0);
  const shown = tasks.length > LISTED ? roots : tasks;
  const listed = Math.min(shown.length, LISTED);
  return [
    title("Tasks"),
    ...aligned(shown.slice(0, LISTED).map((task) => [task.name, describeTask(task)])),
    ...(listed < tasks.length ? [`  and ${tasks.length - listed} more: ${PEACH} tasks`] : []),
    ...(plan.endpoints.length === 0 ? [] : [title("Endpoints")]),
    ...aligned(
      plan.endpoints
        .slice(0, LISTED)
        .map((endpoint) => [endpoint.name, describeEndpoint(endpoint, url)]),
    ),
    ...(plan.endpoints.length > LISTED ? [`  and ${plan.endpoints.length - LISTED} more`] : []),
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

/** Describes an endpoint: its HTTP methods and its address. */
function describeEndpoint({ methods, url: path }: EndpointPlan, url: string): string {
  return `${methods?.join(", ") ?? "any method"} ${url}${path}`;
}

/** Describes the webhook secrets that were just made, and their place. */
export function describeMade(names: readonly string[]): string {
  return `${names.join(", ")} in .dev.vars, made now: what is sent to its endpoints is signed with it`;
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
