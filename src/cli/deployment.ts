/** Which Peach a command talks to, and what to say if that fails. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import {
  createClient,
  PeachConnectionError,
  type PeachClient,
  type PeachError,
} from "../client/client.ts";
import { UsageError, type CommandHost } from "./command.ts";

/** The options of every command that talks to a deployment. */
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

export interface DeploymentValues {
  readonly url?: string | boolean | undefined;
  readonly token?: string | boolean | undefined;
}

interface Chosen {
  readonly value: string;
  /** Where it comes from, in words. */
  readonly from: string;
}

/** A client that knows no task names: they are the person's. */
export type AnyClient = PeachClient<Record<string, unknown>>;

const LOOPBACK = /^https?:\/\/(127\.|localhost[:/]|localhost$|\[::1\])/;

/** A client of the deployment. Throws `UsageError` if nobody has said which, or the token is missing. */
export function connect(given: DeploymentValues, host: CommandHost): AnyClient {
  const url = chooseUrl(given, host);
  const token = chooseToken(given, url.value, host);
  try {
    return createClient<Record<string, unknown>>({ url: url.value, token: token.value });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new UsageError(
      error.message.startsWith("url")
        ? `${url.from}: ${error.message.replace("url: ", "")}`
        : `${token.from}: ${error.message.replace("token: ", "")}`,
    );
  }
}

/** What a refusal looks like to a person: what is wrong, where, what to do, and what to quote when asking for help. */
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
          `The token is from ${chooseToken(given, url.value, host).from}, the address from ${url.from}.`,
        ]
      : [];
  return [
    `error: ${detail}`,
    ...errors.map(({ path, message }) => `  ${path}: ${message}`),
    ...[hint, ...from, ...token].filter((text) => text !== "").map((text) => `hint: ${text}`),
    requestId === null ? `(${code})` : `(${code}, request ${requestId})`,
  ].join("\n");
}

function chooseUrl({ url }: DeploymentValues, { env, repoRoot }: CommandHost): Chosen {
  if (typeof url === "string") return { value: url, from: "--url" };
  const named = env["PEACH_URL"] ?? "";
  if (named !== "") return { value: named, from: "PEACH_URL" };
  const local = localUrl(repoRoot);
  if (local !== null)
    return { value: local, from: "the runtime that `npm run dev` has started here" };
  throw new UsageError(
    "nobody has said where Peach runs: start it here with `npm run dev`, or set PEACH_URL (or --url) to its address",
  );
}

/** The address of the runtime that uses the folder of `npm run dev`, if one does or did. */
function localUrl(repoRoot: string): string | null {
  try {
    const claim: unknown = JSON.parse(
      readFileSync(join(repoRoot, ".peach/state/runtime/claim.json"), "utf8"),
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

function chooseToken(
  { token }: DeploymentValues,
  url: string,
  { env, repoRoot }: CommandHost,
): Chosen {
  if (typeof token === "string") return { value: token, from: "--token" };
  const named = env["PEACH_API_TOKEN"] ?? "";
  if (named !== "") return { value: named, from: "PEACH_API_TOKEN" };
  // The token of this machine is for this machine.
  const file = join(repoRoot, ".dev.vars");
  const local =
    LOOPBACK.test(url) && existsSync(file)
      ? parseEnv(readFileSync(file, "utf8"))["PEACH_API_TOKEN"]
      : undefined;
  if (local !== undefined && local !== "") return { value: local, from: ".dev.vars" };
  throw new UsageError(`the token for ${url} is missing: set PEACH_API_TOKEN (or --token)`);
}
