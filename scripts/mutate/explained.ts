/**
 * The changes that no test can notice, each with the reason. File and code name a change: a changed
 * code is looked at again.
 */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { z } from "zod";
import type { Mutant } from "./mutants.ts";

const EXPLAINED = resolve(import.meta.dirname, "../../test/mutation/explained.json");

const change = z.strictObject({
  /** The original code; spaces and line breaks do not matter. */
  was: z.string(),
  /** The changed code. Absent: all changes of this code are meant. */
  becomes: z.string().optional(),
  /** The code of the whole line, if `was` alone occurs elsewhere. Absent: any line. */
  inLine: z.string().optional(),
  why: z.string().min(10),
});
const explained = z.record(z.string(), z.array(change));
export type Explained = z.infer<typeof explained>;
type Change = z.infer<typeof change>;

/** Reads the explained changes by file. Throws `ZodError` for a malformed list. */
export function readExplained(path = EXPLAINED): Explained {
  return explained.parse(JSON.parse(readFileSync(path, "utf8")));
}

/** Finds the reason why no test can notice this change, if one is known. */
export function reasonOf(known: Explained, mutant: Mutant): string | null {
  return known[mutant.file]?.find((one) => isOf(one, mutant))?.why ?? null;
}

/** Lists the explanations of changes that are not among these, as `file: code`. */
export function outdated(known: Explained, mutants: readonly Mutant[]): string[] {
  return Object.entries(known).flatMap(([file, changes]) =>
    changes
      .filter((one) => !mutants.some((mutant) => mutant.file === file && isOf(one, mutant)))
      .map(({ was, becomes }) => `${file}: ${was}${becomes === undefined ? "" : ` → ${becomes}`}`),
  );
}

function isOf({ was, becomes, inLine }: Change, mutant: Mutant): boolean {
  return (
    spaced(was) === spaced(mutant.was) &&
    (inLine === undefined || spaced(inLine) === spaced(mutant.inLine)) &&
    (becomes === undefined || spaced(becomes) === spaced(mutant.becomes))
  );
}

function spaced(code: string): string {
  return code.replaceAll(/\s+/g, " ").trim();
}
