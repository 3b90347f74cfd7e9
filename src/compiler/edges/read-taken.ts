/** Reads the payloads that a single task accepts, without a look at any edge. */
import type { CheckedProject } from "../compile.ts";
import type { ProjectPaths } from "../project-paths.ts";
import { askReader } from "./ask-reader.ts";
import { methodKey, withTsconfig } from "./method-sets.ts";
import { readSchemas } from "./read-schemas.ts";
import { requireTypeScript } from "./type-config.ts";
import { ABSENT, type ValueSet } from "./value-set.ts";

/** The payloads of a task. */
export interface TakenPayloads {
  /** The set of the accepted payloads. */
  readonly set: ValueSet;
  /** The first of the schema's own `examples`; absent without any. */
  readonly example?: unknown;
}

/**
 * Returns the payloads that a task accepts; null if nothing declares them. A plain function without
 * a parameter accepts no payload. Throws `MissingPackageError` for a plain function in a project
 * without TypeScript.
 */
export async function readTaken(
  { methods }: CheckedProject,
  paths: ProjectPaths,
  task: string,
): Promise<TakenPayloads | null> {
  const method = methods.tasks.get(task);
  if (method === undefined) return null;
  const key = methodKey(method);
  const read = await readSchemas([{ ...method, key }], [], paths.projectRoot);
  const answer = read.methods.get(key);
  if (answer?.type === "task") {
    const { taken, example } = answer;
    return taken === null ? null : { set: taken, ...(example !== undefined && { example }) };
  }
  if (answer?.type !== "function") return null;
  if (!answer.takesPayload) return { set: ABSENT };
  requireTypeScript(paths.projectRoot);
  const { file, exportName } = method;
  const signature = await withTsconfig(paths, [file], async (tsconfig) => {
    const { projectRoot } = paths;
    const functions = [{ file, exportName }];
    const ask = { projectRoot, functions, tsconfig };
    const asked = await askReader<"signatures">({ type: "signatures", ask });
    return asked.ok ? asked.answer.get(key) : undefined;
  });
  return signature === undefined ? null : { set: signature.taken };
}

/** Tests if the input of a task accepts a payload. A plain function accepts every payload. */
export async function isTaken(
  { methods }: CheckedProject,
  paths: ProjectPaths,
  task: string,
  value: unknown,
): Promise<boolean> {
  const method = methods.tasks.get(task);
  if (method === undefined) return false;
  const key = methodKey(method);
  const known = { id: key, key, value, isItem: false };
  const { refused } = await readSchemas([{ ...method, key }], [known], paths.projectRoot);
  return !refused.has(key);
}
