/**
 * The worker's local variables and secrets: `.dev.vars` beside wrangler.toml, and the API tokens of the environment, which win.
 */
import { randomBytes } from "node:crypto";
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { parseEnv } from "node:util";

/** Taken from the environment if set there. */
const TOKEN_NAMES = ["PEACH_API_TOKEN", "PEACH_API_TOKENS"] as const;

export interface DevVars {
  readonly vars: Readonly<Record<string, string>>;
  /** The API token with all rights. */
  readonly token: string;
  /** True if the token was made now and written to the file. */
  readonly created: boolean;
}

/** Reads the file; if nobody has set an API token, makes one and adds it to the file. Other variables stay as they are. */
export function readDevVars(path: string, environment: Readonly<Record<string, string | undefined>>): DevVars {
  const text = existsSync(path) ? readFileSync(path, "utf8") : "";
  const vars: Record<string, string> = {};
  for (const [name, value] of Object.entries(parseEnv(text))) if (value !== undefined) vars[name] = value;
  for (const name of TOKEN_NAMES) {
    const value = environment[name];
    if (value !== undefined && value !== "") vars[name] = value;
  }
  const known = vars["PEACH_API_TOKEN"];
  if (known !== undefined && known !== "") return { vars, token: known, created: false };

  const token = randomToken();
  const separator = text === "" || text.endsWith("\n") ? "" : "\n";
  // Secrets: for nobody else on this machine.
  appendFileSync(path, `${separator}PEACH_API_TOKEN=${token}\n`, { mode: 0o600 });
  return { vars: { ...vars, PEACH_API_TOKEN: token }, token, created: true };
}

/** 192 random bits, without characters that a shell or a header would mind. */
export function randomToken(): string {
  return `peach_${randomBytes(24).toString("hex")}`;
}
