/**
 * Keys that peach.conf knows and this version does not run. Each is refused, never silently accepted. When a key's behaviour
 * is built, its entry goes.
 */
import { isMapping } from "./schema-parts.ts";

interface NotYet {
  /** From the task. */
  readonly path: readonly string[];
  /** A value that asks for nothing, or for what is done anyway. */
  readonly fine?: string | boolean;
  /** What will not happen. */
  readonly lacking: string;
}

export const TASK_NOT_YET: readonly NotYet[] = [
  { path: ["concurrency"], lacking: "the number of attempts at a time is not limited" },
  { path: ["rate_limit"], lacking: "the rate of attempts is not limited" },
];

/** The entries that this raw mapping asks for. */
export function notYetIn(raw: unknown, entries: readonly NotYet[]): readonly NotYet[] {
  return entries.filter(({ path, fine }) => {
    let value: unknown = raw;
    for (const key of path) {
      if (!isMapping(value) || !Object.hasOwn(value, key)) return false;
      value = value[key];
    }
    return fine === undefined || value !== fine;
  });
}

/** The one form of these refusals. */
export function notYetMessage({ path, fine, lacking }: NotYet): { readonly message: string; readonly hint: string } {
  const what = `\`${path.join(".")}\`${fine === undefined ? "" : ` other than \`${String(fine)}\``}`;
  return { message: `this version of Peach does not run ${what} yet`, hint: `remove it: ${lacking}` };
}
