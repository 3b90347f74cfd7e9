/**
 * The reader process: answers one question of the check about pipelines. Evaluated files may throw,
 * leave timers, or end the process. TypeScript's checker runs here as well, since the checker
 * writes to the standard error of its process.
 */
import { flushCompileCache } from "node:module";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { validated } from "../../domain/standard-schema.ts";
import { endWithParent } from "./end-with-parent.ts";
import type {
  Answers,
  MethodAnswer,
  Question,
  SchemaQuestion,
  SourcePlace,
} from "./reader-questions.ts";
import { standardOf } from "./schema-parts.ts";
import { SchemaSets } from "./schema-sets.ts";
import { readSignatures } from "./signatures.ts";
import { typeScriptOf } from "./type-config.ts";

endWithParent();
process.on("message", (question: Question) => void reply(question));

/**
 * Sends the answer. Writes Node's cache of compiled files before: the command kills this process
 * upon the answer, and Node writes the cache at a normal end only.
 */
async function reply(question: Question): Promise<void> {
  const given = await answer(question);
  flushCompileCache();
  process.send?.(given);
}

/** Answers a question about schemas or about signatures. */
async function answer(question: Question): Promise<Answers[keyof Answers]> {
  if (question.type === "schemas") return readFiles(question.ask);
  const { projectRoot, functions, tsconfig } = question.ask;
  return readSignatures(await typeScriptOf(projectRoot), functions, tsconfig);
}

/**
 * Evaluates the files of the methods one by one, and reads their exports. A file that throws leaves
 * the methods of other files readable.
 */
async function readFiles({ bundle, methods, values }: SchemaQuestion): Promise<Answers["schemas"]> {
  const { modules }: { modules: Readonly<Record<string, () => Promise<object>>> } = await import(
    bundle
  );
  const sets = new SchemaSets();
  const found = new Map<string, unknown>();
  const answers = new Map<string, MethodAnswer>();
  for (const { key, file, exportName } of methods) {
    try {
      const method: unknown = Reflect.get((await modules[file]?.()) ?? {}, exportName);
      found.set(key, method);
      answers.set(key, readMethod(method, sets));
    } catch (error) {
      const why = String(error).slice(0, 500);
      answers.set(key, { type: "unread", why, at: placeOf(error, bundle) });
    }
  }
  const refused = new Map<string, string>();
  for (const { id, key, value, isItem } of values) {
    const wrong = await misfitOf(found.get(key), value, isItem);
    if (wrong !== null) refused.set(id, wrong);
  }
  return { methods: answers, refused };
}

/** A frame of a stack, with its absolute path or URL, line and column. */
const FRAME = /(?:\(|at (?:async )?)(file:\/\/[^()\s]+|\/[^()\s]+):(\d+):(\d+)\)?$/gm;

/**
 * Reads the innermost place of an error in a source of the bundle, from the stack. Null without
 * such a place. This process maps the frames of the bundle to the sources.
 */
function placeOf(error: unknown, bundle: string): SourcePlace | null {
  const stack = error instanceof Error ? (error.stack ?? "") : "";
  const frames = stack.matchAll(FRAME);
  for (const [, path = "", line, column] of frames) {
    const file = path.startsWith("file:") ? fileURLToPath(path) : path;
    if (file !== fileURLToPath(bundle)) return { file, line: Number(line), column: Number(column) };
  }
  return null;
}

/** Classifies an export, and reads the schemas of a task. A class is neither task nor function. */
function readMethod(method: unknown, sets: SchemaSets): MethodAnswer {
  if (typeof method === "function") {
    // A parameter with a default does not count in `length`, so the text decides.
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
  const example = exampleOf(input);
  return {
    type: "task",
    taken: input === null ? null : sets.taken(input),
    passed: output === null ? null : sets.passed(output),
    ...(example !== undefined && { example }),
  };
}

/** Returns the first of a schema's `examples`, as `.meta({examples: [...]})` declares them. */
function exampleOf(input: unknown): unknown {
  if (typeof input !== "object" || input === null || !("meta" in input)) return undefined;
  if (typeof input.meta !== "function") return undefined;
  const meta: unknown = input.meta();
  if (typeof meta !== "object" || meta === null || !("examples" in meta)) return undefined;
  const { examples } = meta;
  if (!Array.isArray(examples)) return undefined;
  const [first]: readonly unknown[] = examples;
  return asJson(first);
}

/**
 * Copies a value as JSON, for the way to the parent process. Undefined for a value without JSON.
 */
function asJson(value: unknown): unknown {
  try {
    const text: string | undefined = JSON.stringify(value);
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Parses a known payload with the input of a task. Returns the first fault; null for a fit. A
 * function of the author may throw.
 */
async function misfitOf(method: unknown, value: unknown, isItem: boolean): Promise<string | null> {
  try {
    const input: unknown =
      typeof method === "object" && method !== null ? Reflect.get(method, "input") : null;
    const standard = standardOf(input);
    if (standard === null) return null;
    // A task with `each` gets one item of the array.
    if (isItem && !Array.isArray(value)) return "$: expected an array, one item a run of the task";
    for (const [index, one] of (isItem && Array.isArray(value) ? value : [value]).entries()) {
      const answer = await validated(standard, one);
      const [issue] = "issues" in answer ? answer.issues : [];
      if (issue === undefined) continue;
      const path = [...(isItem ? [index] : []), ...issue.path].map(String);
      return `${["$", ...path].join(".")}: ${issue.message}`;
    }
    return null;
  } catch (error) {
    return `$: its parse throws ${String(error).slice(0, 500)}`;
  }
}
