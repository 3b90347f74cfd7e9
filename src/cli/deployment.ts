/** Chooses the deployment of a command, and explains failures of its calls. */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import {
  createClient,
  PeachConnectionError,
  type PeachClient,
  type PeachError,
} from "../client/client.ts";
import { readVars } from "../local/dev-vars.ts";
import { inCommands } from "./cli-words.ts";
import { UsageError, type CommandHost } from "./command.ts";
import { sayWhenLate } from "./late-answer.ts";

/** Options of every command that calls a deployment. */
export const DEPLOYMENT_OPTIONS = {
  url: {
    takes: "URL",
    help: "of the deployment (default: PEACH_URL, else the runtime of `npm run dev`)",
  },
  token: {
    takes: "TOKEN",
    help: "of its API (default: PEACH_API_TOKEN, else for a local one that of .dev.vars)",
  },
} as const;

/** Values of these options. */
export interface DeploymentValues {
  readonly url?: string | boolean | undefined;
  readonly token?: string | boolean | undefined;
}

/** A value and its origin. */
interface Chosen {
  readonly value: string;
  /** The origin in words, for error messages. */
  readonly from: string;
}

/** A client without types of tasks: names come from the user. */
export type AnyClient = PeachClient<Record<string, unknown>>;

/** Addresses of this machine. */
const LOOPBACK = /^https?:\/\/(127\.|localhost[:/]|localhost$|\[::1\])/;

/** Tests if an address is one of this machine. */
export function isLocal(url: string): boolean {
  return LOOPBACK.test(url);
}

/** Returns address and token of the chosen deployment. Throws `UsageError` without one of them. */
export function placeOf(
  given: DeploymentValues,
  host: CommandHost,
): { readonly url: string; readonly token: string } {
  const { value: url } = chooseUrl(given, host);
  return { url: url.replace(/\/+$/, ""), token: chooseToken(given, url, host).value };
}

/** Connects to the chosen deployment. Throws `UsageError` without an address or a token. */
export function connect(given: DeploymentValues, host: CommandHost): AnyClient {
  const url = chooseUrl(given, host);
  const token = chooseToken(given, url.value, host);
  try {
    return createClient<Record<string, unknown>>({
      url: url.value,
      token: token.value,
      fetch: sayWhenLate(host.err, (input, init) => fetch(input, init)),
    });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new UsageError(
      error.message.startsWith("url")
        ? `${url.from}: ${error.message.replace("url: ", "")}`
        : `${token.from}: ${error.message.replace("token: ", "")}`,
    );
  }
}

/**
 * Renders an error of a call for people: cause, place, remedy, and the request id to quote when
 * asking for help.
 */
export function describeError(
  error: PeachError,
  given: DeploymentValues,
  host: CommandHost,
): string {
  const { code, detail, hint, errors, requestId } = error;
  const from =
    error instanceof PeachConnectionError
      ? [`The address is from ${chooseUrl(given, host).from}.`]
      : [];
  const url = chooseUrl(given, host);
  const token =
    code === "unauthorized" || code === "forbidden"
      ? [
          `The token is from ${chooseToken(given, url.value, host).from}, the address from ` +
            `${url.from}.`,
        ]
      : [];
  return [
    `error: ${detail}`,
    ...errors.map(({ path, message }) => `  ${path}: ${message}`),
    ...[inCommands(hint), ...from, ...token]
      .filter((text) => text !== "")
      .map((text) => `hint: ${text}`),
    requestId === null ? `(${code})` : `(${code}, request ${requestId})`,
  ].join("\n");
}

/** Chooses the address: `--url`, PEACH_URL, or the local runtime. */
function chooseUrl({ url }: DeploymentValues, { env, projectRoot }: CommandHost): Chosen {
  if (typeof url === "string") return { value: url, from: "--url" };
  const named = env["PEACH_URL"] ?? "";
  if (named !== "") return { value: named, from: "PEACH_URL" };
  const local = localUrl(projectRoot);
  if (local !== null)
    return { value: local, from: "the runtime that `npm run dev` has started here" };
  throw new UsageError(
    "nobody has said where Peach runs: start it here with `npm run dev`, or set PEACH_URL " +
      "(or --url) to its address",
  );
}

/** Reads the address of the runtime that uses, or last used, the state folder of `npm run dev`. */
function localUrl(projectRoot: string): string | null {
  try {
    const claim: unknown = JSON.parse(
      readFileSync(join(projectRoot, ".peach/state/runtime/claim.json"), "utf8"),
    );
    return typeof claim === "object" &&
      claim !== null &&
      "url" in claim &&
      typeof claim.url === "string"
      ? claim.url
      : null;
  } catch {
    return null;
  }
}

/** Chooses the token: `--token`, PEACH_API_TOKEN, or the one in .dev.vars. */
function chooseToken(
  { token }: DeploymentValues,
  url: string,
  { env, projectRoot }: CommandHost,
): Chosen {
  if (typeof token === "string") return { value: token, from: "--token" };
  const named = env["PEACH_API_TOKEN"] ?? "";
  if (named !== "") return { value: named, from: "PEACH_API_TOKEN" };
  // The token in .dev.vars is for this machine only.
  const file = join(projectRoot, ".dev.vars");
  const local =
    LOOPBACK.test(url) && statSync(file, { throwIfNoEntry: false })?.isDirectory() === false
      ? parseEnv(readVars(file))["PEACH_API_TOKEN"]
      : undefined;
  if (local !== undefined && local !== "") return { value: local, from: ".dev.vars" };
  throw new UsageError(`the token for ${url} is missing: set PEACH_API_TOKEN (or --token)`);
}
