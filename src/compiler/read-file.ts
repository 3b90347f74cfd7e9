/** Files of a project as the checks read them. What cannot be read or parsed is reported by one of them, and is nothing to the others. */
import { readFileSync } from "node:fs";
import { parseSync, type Program } from "oxc-parser";

/** The text of a file, or null if it cannot be read. */
export function readText(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return null;
  }
}

/** A module with its text, or null if it cannot be read or parsed. */
export function readProgram(
  file: string,
): { readonly program: Program; readonly text: string } | null {
  const text = readText(file);
  if (text === null) return null;
  const { program, errors } = parseSync(file, text, { sourceType: "module" });
  return errors.length > 0 ? null : { program, text };
}
