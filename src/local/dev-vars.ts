/**
 * The worker's local variables and secrets: `.dev.vars` beside wrangler.toml. API tokens of the
 * environment take precedence.
 */
import { randomBytes } from "node:crypto";
import { appendFileSync, chmodSync, existsSync, readFileSync, statSync } from "node:fs";
import { parseEnv } from "node:util";

/** Variables that the environment overrides. */
const TOKEN_NAMES = ["PEACH_API_TOKEN", "PEACH_API_TOKENS"] as const;

/** The variables, with the API token that was found or made. */
export interface DevVars {
  readonly vars: Readonly<Record<string, string>>;
  /** The API token with all scopes. */
  readonly token: string;
  /** True if the token was just made and written to the file. */
  readonly created: boolean;
}

/**
 * Reads the file. Makes a missing API token and adds the token to the file; other variables stay
 * unchanged.
 */
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

/**
 * Appends variables to the file and creates it if needed. Values must not contain characters that
 * need quotes.
 */
export function addDevVars(path: string, vars: Readonly<Record<string, string>>): void {
  const text = readForOwner(path);
  const separator = text === "" || text.endsWith("\n") ? "" : "\n";
  const lines = Object.entries(vars).map(([name, value]) => `${name}=${value}\n`);
  appendFileSync(path, separator + lines.join(""), { mode: 0o600 });
}

/** Reads a file of variables without its byte order mark, which would be part of the first name. */
export function readVars(path: string): string {
  return readFileSync(path, "utf8").replace(/^\uFEFF/, "");
}

/**
 * Reads the file, or returns an empty text. The file holds secrets and is restricted to the owner,
 * also if a person has created the file.
 */
function readForOwner(path: string): string {
  if (!existsSync(path)) return "";
  const stats = statSync(path);
  if (stats.isDirectory()) throw new Error(`${path} is a folder, and has to be a file`);
  if ((stats.mode & 0o077) !== 0) chmodSync(path, 0o600);
  return readVars(path);
}

/** Makes a token of 192 random bits, without characters that need quoting in shells or headers. */
export function randomToken(): string {
  return `peach_${randomBytes(24).toString("hex")}`;
}
