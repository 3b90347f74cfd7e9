/** PEACH_CONSOLE_HOST among the variables of wrangler.toml: one that names no host would lock everybody out of the dashboard. */
import { HOST_HINT, parseHost } from "../domain/console-host.ts";
import type { Report } from "./diagnostic.ts";
import { isMapping } from "./schema-parts.ts";
import type { SourceFile } from "./source.ts";
import type { WranglerConfig } from "./wrangler-config.ts";

const NAME = "PEACH_CONSOLE_HOST";

/** Reports it at the line that sets it. */
export function checkConsoleHost(
  { vars }: WranglerConfig,
  wrangler: SourceFile,
  report: Report,
): void {
  const given = isMapping(vars) ? vars[NAME] : undefined;
  if (
    given === undefined ||
    (typeof given === "string" && (given.trim() === "" || parseHost(given) !== null))
  )
    return;
  const start = Math.max(0, wrangler.text.indexOf(NAME));
  report(
    { source: wrangler, start, end: start + NAME.length },
    `${NAME}: expected a host such as console.example.org, given ${JSON.stringify(given)}`,
    { hint: HOST_HINT },
  );
}
