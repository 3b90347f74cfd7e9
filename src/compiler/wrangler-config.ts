/** wrangler.toml as it is read. */
import { parse, TomlError } from "smol-toml";
import type { Report } from "./diagnostic.ts";
import { offsetAt, type SourceFile } from "./source.ts";

export type WranglerConfig = Readonly<Record<string, unknown>>;

/** What the file says, or null if it is no TOML, which is reported. */
export function readWrangler(wrangler: SourceFile, report: Report): WranglerConfig | null {
  try {
    return parse(wrangler.text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const start = offsetAt(wrangler, { line: error.line, column: error.column });
    const [reason = ""] = error.message.replace(/^Invalid TOML document: /, "").split("\n");
    report({ source: wrangler, start, end: start + 1 }, `this is no TOML: ${reason}`);
    return null;
  }
}
