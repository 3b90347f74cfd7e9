/** Reads wrangler.toml. */
import { parse, TomlError } from "smol-toml";
import type { Report } from "./diagnostic.ts";
import { isMapping } from "./schema-parts.ts";
import { offsetAt, type SourceFile } from "./source.ts";

/** The content of the file. Its values are unchecked. */
export type WranglerConfig = Readonly<Record<string, unknown>>;

/** Parses the file, or reports the first syntax error and returns null. */
export function readWrangler(wrangler: SourceFile, report: Report): WranglerConfig | null {
  try {
    return parse(wrangler.text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const start = offsetAt(wrangler, { line: error.line, column: error.column });
    const [reason = ""] = error.message.replace(/^Invalid TOML document: /, "").split("\n");
    report("PEACH501", { source: wrangler, start, end: start + 1 }, `this is no TOML: ${reason}`);
    return null;
  }
}

/** Reads an array of tables; empty for any other value. */
export function tablesIn(value: unknown): WranglerConfig[] {
  return Array.isArray(value) ? value.filter(isMapping) : [];
}

/** Reads the producers and consumers of queues. */
export function queuesOf({ queues }: WranglerConfig): {
  producers: WranglerConfig[];
  consumers: WranglerConfig[];
} {
  const { producers, consumers } = isMapping(queues) ? queues : {};
  return { producers: tablesIn(producers), consumers: tablesIn(consumers) };
}
