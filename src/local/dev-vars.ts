/**
 * The worker's local variables and secrets: `.dev.vars` beside wrangler.toml, and the API tokens of the environment, which win.
 */
import { randomBytes } from "node:crypto";
import { appendFileSync, chmodSync, existsSync, readFileSync, statSync } from "node:fs";
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
export function readDevVars(
  path: string,
  environment: Readonly<Record<string, string | undefined>>,
): DevVars {
  const text = readForOwner(path);
  const vars: Record<string, string> = {};
  for (const [name, value] of Object.entries(parseEnv(text)))
    if (value !== undefined) vars[name] = value;
  for (const name of TOKEN_NAMES) {
    const value = environment[name];
    if (value !== undefined && value !== "") vars[name] = value;
  }
  const known = vars["PEACH_API_TOKEN"];
  if (known !== undefined && known !== "") return { vars, token: known, created: false };

  const token = randomToken();
  addDevVars(path, { PEACH_API_TOKEN: token });
  return { vars: { ...vars, PEACH_API_TOKEN: token }, token, created: true };
}

/** Adds variables to the end of the file, which is made if there is none. Their values have no character that would need quotes. */
export function addDevVars(path: string, vars: Readonly<Record<string, string>>): void {
  const text = readForOwner(path);
  const separator = text === "" || text.endsWith("\n") ? "" : "\n";
  const lines = Object.entries(vars).map(([name, value]) => `${name}=${value}\n`);
  appendFileSync(path, separator + lines.join(""), { mode: 0o600 });
}

/** The file's text, empty if there is none. What is in it is for nobody else on this machine, also where a person has made the file. */
function readForOwner(path: string): string {
  if (!existsSync(path)) return "";
  if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600);
  return readFileSync(path, "utf8");
}

/** 192 random bits, without characters that a shell or a header would mind. */
export function randomToken(): string {
  return `peach_${randomBytes(24).toString("hex")}`;
}
