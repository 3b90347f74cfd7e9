/**
 * The codes of diagnostics, `PEACH001` and so on, with their definitions. A code never changes its
 * meaning, and no later check gets the code of a removed one.
 *
 * To add a diagnostic:
 *
 * 1. Take the next free number of a range and add the definition to the file of the range: 0xx
 *    file.ts (YAML), 1xx keys.ts (a single key or value), 2xx tasks.ts (the graph and the keys of a
 *    task), 3xx methods.ts (the pipelines), 4xx endpoints.ts, 5xx deployment.ts (wrangler.toml),
 *    6xx edges.ts (types of edges and triggers), 7xx lints.ts (warnings).
 * 2. Report the problem: `report("PEACH212", span, message, { hint, related })`, or `warn(...)` for
 *    a code with the severity "warning". A check inside a zod schema sets
 *    `params: { code: "PEACH112" }`.
 * 3. Write the page of the reference:
 *    `npx vitest run --project unit test/compiler/codes.test.ts -u`. The test compiles both
 *    examples: `wrong` must give the code and no other, `right` nothing. A method that only
 *    peach.conf names needs no file; types do, as "src/pipelines/NAME.ts".
 */
import { nearest } from "../domain/nearest.ts";
import type { Definition } from "./definition.ts";
import { DEPLOYMENT } from "./deployment.ts";
import { EDGES } from "./edges.ts";
import { ENDPOINTS } from "./endpoints.ts";
import { FILE } from "./file.ts";
import { KEYS } from "./keys.ts";
import { LINTS } from "./lints.ts";
import { METHODS } from "./methods.ts";
import { TASKS } from "./tasks.ts";

const DEFINED = {
  ...FILE,
  ...KEYS,
  ...TASKS,
  ...METHODS,
  ...ENDPOINTS,
  ...DEPLOYMENT,
  ...EDGES,
  ...LINTS,
} as const;

/** A code of a diagnostic. */
export type Code = keyof typeof DEFINED;

/** The codes of one severity. */
type CodeOf<Severity> = {
  [C in Code]: (typeof DEFINED)[C]["severity"] extends Severity ? C : never;
}[Code];
export type ErrorCode = CodeOf<"error">;
export type WarningCode = CodeOf<"warning">;

/** All definitions by code, in ascending order. */
export const CODES: Readonly<Record<Code, Definition>> = DEFINED;

/** The groups of codes with their titles, for the reference. */
export const CODE_GROUPS = [
  { title: "The file", codes: codesOf(FILE) },
  { title: "Keys and values", codes: codesOf(KEYS) },
  { title: "Tasks and their graph", codes: codesOf(TASKS) },
  { title: "Methods", codes: codesOf(METHODS) },
  { title: "Endpoints", codes: codesOf(ENDPOINTS) },
  { title: "The deployment", codes: codesOf(DEPLOYMENT) },
  { title: "Types of edges and triggers", codes: codesOf(EDGES) },
  { title: "Warnings", codes: codesOf(LINTS) },
] as const;

/** Tests if a text is a code. */
function isCode(text: unknown): text is Code {
  return typeof text === "string" && Object.hasOwn(DEFINED, text);
}

/** Tests if a value is the code of an error. */
export function isErrorCode(value: unknown): value is ErrorCode {
  return isCode(value) && CODES[value].severity === "error";
}

/** Finds a code as users write it: `peach12` and `12` are PEACH012. */
export function findCode(text: string): { readonly code: Code } | { readonly near: Code | null } {
  const number = /^(?:peach)?0*(\d{1,3})$/i.exec(text.trim())?.[1];
  const code = number === undefined ? text : `PEACH${number.padStart(3, "0")}`;
  if (isCode(code)) return { code };
  const near = nearest(code.toUpperCase(), Object.keys(DEFINED));
  return { near: isCode(near) ? near : null };
}

/** The codes of a table. */
function codesOf<T extends object>(table: T): (keyof T)[] {
  // Object.keys gives exactly the keys that the table declares.
  // oxlint-disable-next-line typescript/consistent-type-assertions
  return Object.keys(table) as (keyof T)[];
}
