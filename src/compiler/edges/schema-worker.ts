/**
 * Evaluates pipeline files in a thread of its own and reads the schemas of their tasks. A file may
 * do anything when it is evaluated: throw, leave timers, or end the thread.
 */
import { isMainThread, parentPort, workerData } from "node:worker_threads";
import type { MethodAnswer, SchemaQuestion } from "./read-schemas.ts";
import { isZod } from "./schema-parts.ts";
import { SchemaSets } from "./schema-sets.ts";

if (!isMainThread) await answer();

async function answer(): Promise<void> {
  // `read-schemas.ts` starts this thread and gives it a question.
  // oxlint-disable-next-line typescript/consistent-type-assertions
  const { bundle, methods, values } = workerData as SchemaQuestion;
  const { modules }: { modules: Readonly<Record<string, () => Promise<object>>> } = await import(
    bundle
  );
  const sets = new SchemaSets();
  const found = new Map<string, unknown>();
  const answers: [string, MethodAnswer][] = [];
  for (const { key, file, exportName } of methods) {
    try {
      const method: unknown = Reflect.get((await modules[file]?.()) ?? {}, exportName);
      found.set(key, method);
      answers.push([key, readMethod(method, sets)]);
    } catch (error) {
      answers.push([key, { type: "unread", why: String(error).slice(0, 500) }]);
    }
  }
  const refused: [string, string][] = [];
  for (const { id, key, value, isItem } of values) {
    const wrong = await misfitOf(found.get(key), value, isItem);
    if (wrong !== null) refused.push([id, wrong]);
  }
  // A thread posts to its parent, not to a window.
  // oxlint-disable-next-line unicorn/require-post-message-target-origin
  parentPort?.postMessage({ methods: answers, refused });
}

function readMethod(method: unknown, sets: SchemaSets): MethodAnswer {
  if (typeof method === "function") {
    const text = Function.prototype.toString.call(method);
    if (/^class\b/.test(text)) return { type: "other" };
    return {
      type: "function",
      takesPayload:
        method.length > 0 || !/^(?:async\s*)?(?:function\s*)?[\w$]*\s*\(\s*\)/.test(text),
    };
  }
  if (typeof method !== "object" || method === null) return { type: "other" };
  if (!("kind" in method) || method.kind !== "peach.task") return { type: "other" };
  const [input, output] = [Reflect.get(method, "input"), Reflect.get(method, "output")];
  return {
    type: "task",
    taken: input === null ? null : sets.taken(input),
    passed: output === null ? null : sets.passed(output),
  };
}

/** Parses a known value with the schema of a task's input, and returns what is wrong with it. */
async function misfitOf(method: unknown, value: unknown, isItem: boolean): Promise<string | null> {
  const input: unknown =
    typeof method === "object" && method !== null ? Reflect.get(method, "input") : null;
  if (!isZod(input)) return null;
  if (isItem && !Array.isArray(value)) return "$: expected an array, one item a run of the task";
  for (const [index, one] of (isItem && Array.isArray(value) ? value : [value]).entries()) {
    const { "~standard": standard } = input;
    const result = await standard.validate(one);
    const [issue] = result.issues ?? [];
    if (issue === undefined) continue;
    const path = [...(isItem ? [index] : []), ...(issue.path ?? [])].map((step) =>
      typeof step === "object" ? String(step.key) : String(step),
    );
    return `${["$", ...path].join(".")}: ${issue.message}`;
  }
  return null;
}
