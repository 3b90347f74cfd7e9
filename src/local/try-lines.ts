/**
 * Makes the commands that `npm run dev` suggests. Each command works as printed: uploads send a
 * file of the project, and payloads are made from the types of the task. No command contains a
 * secret, since terminals are recorded, shared and scrolled back.
 */
import { existsSync, readdirSync } from "node:fs";
import { basename, extname, join } from "node:path";
import { checkProject } from "../compiler/compile.ts";
import { isTaken, readTaken } from "../compiler/edges/read-taken.ts";
import { scheduledPayload } from "../compiler/edges/trigger-payloads.ts";
import { MissingPackageError } from "../compiler/edges/type-config.ts";
import type { ProjectPaths } from "../compiler/project-paths.ts";
import type { Plan, R2Rule } from "../domain/plan/plan.ts";
import { exampleOf, type Example } from "./example-value.ts";
import { PEACH } from "../compiler/peach-command.ts";

/** The arguments of `peach trigger` with a payload. */
export interface TriggerLine {
  readonly task: string;
  /** The option and its value, quoted for a shell; empty for JSON null. */
  readonly payload: readonly string[];
}

/**
 * Makes the arguments that trigger the first root task with an example of its payload; null if no
 * example is known, or if uploads trigger each root. Takes a second or two.
 */
export async function exampleTrigger(paths: ProjectPaths): Promise<TriggerLine | null> {
  const project = checkProject(paths, { acceptUnboundBuckets: true });
  const tasks = Object.values(project.compiled?.plan.tasks ?? {});
  const root = tasks.find(({ upstream, on }) => upstream.length === 0 && on.r2.length === 0);
  if (root === undefined) return null;
  const schedule = root.schedules.find(({ payload }) => payload !== null);
  const scheduled = schedule === undefined ? undefined : scheduledPayload(schedule);
  const example = await exampleFor(project, paths, root.name, scheduled);
  return example === null ? null : { task: root.name, payload: payloadArguments(example.value) };
}

/** Finds an example: the payload of a schedule, an example of the schema, or an accepted value. */
async function exampleFor(
  project: ReturnType<typeof checkProject>,
  paths: ProjectPaths,
  task: string,
  scheduled: unknown,
): Promise<Example> {
  try {
    if (scheduled !== undefined) return { value: scheduled };
    const taken = await readTaken(project, paths, task);
    if (taken === null) return { value: undefined };
    if (taken.example !== undefined) return { value: taken.example };
    const example = exampleOf(taken.set);
    const accepted =
      example !== null && (await isTaken(project, paths, task, example.value ?? null));
    return accepted ? example : null;
  } catch (error) {
    if (error instanceof MissingPackageError) return null;
    throw error;
  }
}

/** Renders a payload as arguments. The command sends JSON null without arguments. */
function payloadArguments(value: unknown): string[] {
  if (value === undefined || value === null) return [];
  if (typeof value === "string") return ["--text", quoted(value)];
  return ["--json-payload", quoted(JSON.stringify(value))];
}

/** Renders the commands: uploads first, then the trigger. */
export function tryLines(
  url: string,
  plan: Plan,
  project: string,
  trigger: TriggerLine | null,
): string[] {
  const rules = Object.values(plan.tasks).flatMap(({ on }) => on.r2);
  const upload = rules.find(({ actions }) => actions.includes("create"));
  return [
    ...(upload === undefined ? [] : uploadLines(url, upload, project)),
    ...(trigger === null
      ? []
      : [[`${PEACH} trigger`, trigger.task, ...trigger.payload, "--watch --url", url].join(" ")]),
  ];
}

/**
 * Renders the upload of a file in `sample` that the rule lets pass, behind the files of the same
 * name with another extension, such as captions. Without such a file, uploads a short text.
 */
function uploadLines(url: string, { bucket, prefix, suffix }: R2Rule, project: string): string[] {
  const folder = join(project, "sample");
  const files = existsSync(folder) ? readdirSync(folder).toSorted() : [];
  const base = `${url}/dev/r2/${bucket}/${prefix}`;
  const sample = suffix === "" ? undefined : files.find((name) => name.endsWith(suffix));
  if (sample === undefined) return [`echo "an example" | curl -T - ${base}example${suffix}`];
  const stem = (name: string): string => basename(name, extname(name));
  const beside = files.filter((name) => name !== sample && stem(name) === stem(sample));
  return [...beside, sample].map(
    (name) => `curl -T ${quoted(`sample/${name}`)} ${base}${encodeURIComponent(name)}`,
  );
}

/**
 * Quotes a word for a shell, where needed. A single quote inside ends the quoted text, follows with
 * a backslash, and begins the quoted text again.
 */
function quoted(word: string): string {
  return /^[\w./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
