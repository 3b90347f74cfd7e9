/** PEACH_CONSOLE_HOST among the variables of wrangler.toml: one that names no host would lock everybody out of the dashboard. */
import { parse, TomlError } from "smol-toml";
import { HOST_HINT, parseHost } from "../core/console-host.ts";
import type { Report } from "./diagnostic.ts";
import { isMapping } from "./schema-parts.ts";
import type { SourceFile } from "./source.ts";

const NAME = "PEACH_CONSOLE_HOST";

/** Reports it at the line that sets it. A file that is no TOML is reported by others. */
export function checkConsoleHost(wrangler: SourceFile, report: Report): void {
  const { vars } = parsed(wrangler.text);
  const given = isMapping(vars) ? vars[NAME] : undefined;
  if (given === undefined || (typeof given === "string" && (given.trim() === "" || parseHost(given) !== null))) return;
  const start = Math.max(0, wrangler.text.indexOf(NAME));
  report(
    { source: wrangler, start, end: start + NAME.length },
    `${NAME}: expected a host such as console.example.org, given ${JSON.stringify(given)}`,
    { hint: HOST_HINT },
  );
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    return {};
  }
}
