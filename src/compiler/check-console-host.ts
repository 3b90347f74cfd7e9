/**
 * Checks PEACH_CONSOLE_HOST in the variables of wrangler.toml. The dashboard answers only on this
 * host, and a value that is no host would lock out every user.
 */
import { HOST_HINT, parseHost } from "../domain/console-host.ts";
import type { Report } from "./diagnostic.ts";
import { isMapping } from "./schema-parts.ts";
import type { SourceFile } from "./source.ts";
import type { WranglerConfig } from "./wrangler-config.ts";

/** The variable of wrangler.toml. */
const NAME = "PEACH_CONSOLE_HOST";

/** Reports a value that is no host, at the line of wrangler.toml that sets the variable. */
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
  // The TOML parser gives no positions, so the first mention of the name stands for its line.
  const start = Math.max(0, wrangler.text.indexOf(NAME));
  report(
    "PEACH506",
    { source: wrangler, start, end: start + NAME.length },
    `${NAME}: expected a host such as console.example.org, given ${JSON.stringify(given)}`,
    { hint: HOST_HINT },
  );
}
