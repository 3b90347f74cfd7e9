/**
 * Reads files for the checks. A single check reports an unreadable file; the rest treat it as
 * absent.
 */
import { readFileSync } from "node:fs";
import { parseSync, type Program } from "oxc-parser";

/** Reads a text file, or returns null if it cannot be read. */
export function readText(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return null;
  }
}

/** Parses JSON as editors of Windows write it too, with a byte order mark in front. */
export function parseJson(text: string): unknown {
  const value: unknown = JSON.parse(text.replace(/^\uFEFF/, ""));
  return value;
}

/** Parses the file of a module. Returns null if it cannot be read or has a syntax error. */
export function readProgram(
  file: string,
): { readonly program: Program; readonly text: string } | null {
  const text = readText(file);
  const program = text === null ? null : parseProgram(file, text);
  return text === null || program === null ? null : { program, text };
}

/** Parses the text of a module. Returns null if it has a syntax error. */
export function parseProgram(file: string, text: string): Program | null {
  const { program, errors } = parseSync(file, text, { sourceType: "module" });
  return errors.length > 0 ? null : program;
}
