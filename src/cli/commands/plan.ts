/**
 * `peach plan`: compares peach.conf with the deployment and shows the changes that a deploy would
 * make.
 */
import { readFileSync } from "node:fs";
import { printable } from "../../compiler/printable.ts";
import { checkProject } from "../../compiler/compile.ts";
import { renderDiagnostic } from "../../compiler/diagnostic.ts";
import { documentOfEndpoint, documentOfTask } from "../../domain/plan/plan-documents.ts";
import { isExported } from "../../compiler/methods.ts";
import { projectPaths } from "../../compiler/project-paths.ts";
import type { Plan } from "../../domain/plan/plan.ts";
import { defineCommand, type Terminal } from "../command.ts";
import { connect, DEPLOYMENT_OPTIONS, type AnyClient } from "../deployment.ts";
import { findLiveRuns, liveRunLines, type LiveRuns } from "../live-runs.ts";
import { diff, type Change, type Described } from "../plan-diff.ts";
import { neededResources, ruleText, type NeededResources } from "../resources.ts";
import { paint } from "../table.ts";
import { PEACH } from "../../compiler/peach-command.ts";

/** A deployed or local version of peach.conf. */
interface Version {
  readonly confVersion: string | null;
  readonly tasks: readonly Described[];
  readonly endpoints: readonly Described[];
  readonly schedules: readonly Described[];
}

/** The changes of a deploy by kind. */
interface Changes {
  readonly tasks: readonly Change[];
  readonly endpoints: readonly Change[];
  readonly schedules: readonly Change[];
}

const NO_RUNS: LiveRuns = { open: 0, more: false, groups: [], will_wait: [], waiting: [] };
const NOTHING: Version = { confVersion: null, tasks: [], endpoints: [], schedules: [] };
/**
 * Properties to leave out: they follow from others, are not in peach.conf, or are shown separately.
 */
const LEFT_OUT = new Set([
  "task",
  "name",
  "upstream",
  "schedules",
  "input_schema",
  "output_schema",
  "paused",
]);

export const plan = defineCommand({
  name: "plan",
  summary: "shows what a deploy of peach.conf would change",
  description: `Holds peach.conf (PEACH_CONF) against what is deployed: the tasks, endpoints and
schedules that a deploy would add, change or remove, and the resources that it needs (\`provision\`
creates them). Runs in progress keep the graph that they were accepted with; it says which there
are, which of them will wait for a deploy since a function is exported no more, and which wait for
one already. What the functions and their schemas do is not compared. Exits with 1 if peach.conf has
problems.`,
  options: {
    first: { help: "nothing is deployed yet: asks no server" },
    ...DEPLOYMENT_OPTIONS,
    json: {
      help:
        '{"deployed", "local", "tasks": [{"change": "added|changed|removed", "name", ' +
        '"properties": [{"name", "from", "to"}]}], "endpoints", "schedules", "runs": ' +
        '{"open", "more", "groups": [{"conf_version", "task", "runs"}], "will_wait": ' +
        '[{"task", "method", "runs"}], "waiting": [{"run_id", "task", "method", "until", ' +
        '"helped"}]}, "resources"}',
    },
  },
  async run({ options }, host) {
    const { env, projectRoot, cwd, out, err, signal, terminal } = host;
    const paths = projectPaths(env, projectRoot, cwd);
    const { compiled, methods, modules, diagnostics } = checkProject(paths);
    if (compiled === null) {
      for (const diagnostic of diagnostics) err(`${renderDiagnostic(diagnostic)}\n`);
      return 1;
    }
    const local = localVersion(compiled.plan);
    const named = new Set([...methods.tasks.values()].map(({ key }) => key));
    const hasMethod = (key: string): boolean => named.has(key) || isExported(modules, key);
    const peach = options.first === true ? null : connect(options, host);
    const deployed = peach === null ? NOTHING : await deployedVersion(peach, signal);
    const runs =
      peach === null ? NO_RUNS : await findLiveRuns(peach, methodsOf(deployed), hasMethod, signal);
    const changes: Changes = {
      tasks: diff(deployed.tasks, local.tasks),
      endpoints: diff(deployed.endpoints, local.endpoints),
      schedules: diff(deployed.schedules, local.schedules),
    };
    const resources = neededResources(compiled.plan, readFileSync(paths.wranglerPath, "utf8"));
    if (options.json === true) {
      const versions = { deployed: deployed.confVersion, local: local.confVersion };
      out(JSON.stringify({ ...versions, ...changes, runs, resources }, null, 2));
    } else {
      out(
        `peach.conf ${deployed.confVersion ?? "none"} -> ${local.confVersion ?? ""}: ` +
          inShort(deployed, local, changes),
      );
      for (const line of changeLines(changes, terminal)) out(line);
      for (const line of liveRunLines(runs)) out(line);
      for (const line of resourceLines(resources)) out(line);
    }
    return 0;
  },
});

/** Maps the deployed tasks to their methods. */
function methodsOf({ tasks }: Version): Map<string, string> {
  return new Map(tasks.map(({ name, properties }) => [name, String(properties["method"])]));
}

/** Describes peach.conf in the form of the deployed documents. */
function localVersion({ version, tasks, endpoints }: Plan): Version {
  return versionOf(
    version,
    Object.values(tasks).map(documentOfTask),
    endpoints.map(documentOfEndpoint),
  );
}

/** Reads the deployed tasks, endpoints and schedules. */
async function deployedVersion(peach: AnyClient, signal: AbortSignal): Promise<Version> {
  const [tasks, endpoints, { conf_version }] = await Promise.all([
    peach.tasks.list({ signal }),
    peach.endpoints({ signal }),
    peach.graph({ signal }),
  ]);
  return versionOf(conf_version, tasks, endpoints);
}

function versionOf(
  confVersion: string,
  tasks: readonly { readonly task: string; readonly schedules: readonly unknown[] }[],
  endpoints: readonly { readonly name: string }[],
): Version {
  return {
    confVersion,
    tasks: tasks.map((task) => ({ name: task.task, properties: propertiesOf(task) })),
    endpoints: endpoints.map((one) => ({ name: one.name, properties: propertiesOf(one) })),
    schedules: tasks.flatMap(({ task, schedules }) =>
      schedules.map((schedule) => describeSchedule(task, schedule)),
    ),
  };
}

function inShort(deployed: Version, local: Version, changes: Changes): string {
  if (deployed.confVersion === local.confVersion) return "nothing changes";
  const count = Object.values(changes).flat().length;
  // No call of the API returns settings such as retention or bindings.
  return count === 0
    ? "only settings beside tasks, endpoints and schedules"
    : `${count} change${count === 1 ? "" : "s"}`;
}

function propertiesOf(described: object): Described["properties"] {
  return Object.fromEntries(Object.entries(described).filter(([name]) => !LEFT_OUT.has(name)));
}

/**
 * Describes a schedule. Its name contains task, cron, timezone and payload, which identify it in
 * the deployment too.
 */
function describeSchedule(task: string, schedule: unknown): Described {
  const { cron, timezone, payload, ...properties }: Readonly<Record<string, unknown>> =
    Object.fromEntries(Object.entries(schedule ?? {}));
  const carried = payload === undefined ? "" : ` ${JSON.stringify(payload)}`;
  return { name: `${task} ${String(cron)} ${String(timezone)}${carried}`, properties };
}

function changeLines(changes: Changes, terminal: Terminal): string[] {
  return Object.entries(changes).flatMap(([what, all]: [string, readonly Change[]]) =>
    all.length === 0 ? [] : ["", what, ...all.flatMap((change) => changeText(change, terminal))],
  );
}

function changeText(change: Change, terminal: Terminal): string[] {
  const name = printable(change.name);
  switch (change.change) {
    case "added":
      return [paint(`  + ${name}`, "green", terminal)];
    case "removed":
      return [paint(`  - ${name}`, "red", terminal)];
    case "changed":
      return [
        paint(`  ~ ${name}`, "yellow", terminal),
        ...change.properties.map(
          ({ name: property, from, to }) =>
            `      ${property}: ${printable(JSON.stringify(from))} -> ` +
            printable(JSON.stringify(to)),
        ),
      ];
  }
}

function resourceLines({ queues, buckets, rules, eventQueue, secrets }: NeededResources): string[] {
  return [
    "",
    "needs",
    `  queues   ${queues.join(", ")}`,
    `  buckets  ${buckets.join(", ")}`,
    ...rules.map((rule) => `  reports  ${ruleText(rule)} to ${eventQueue}`),
    ...secrets.map(({ name, why }) => `  secret   ${name}: ${why}`),
    "",
    `${PEACH} provision says which of them are missing.`,
  ];
}
