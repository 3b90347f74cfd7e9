/** Tells what went wrong at Redis, and whether another attempt can help. */
import { StoreError, StoreRefusedError } from "./errors.ts";
import { withoutSecrets } from "./settings.ts";
import { TimeLimitError } from "./time-limit.ts";

/** Codes of replies after which the same command may succeed later. */
const PASSING: ReadonlySet<string> = new Set([
  "BUSY",
  "CLUSTERDOWN",
  "LOADING",
  "MASTERDOWN",
  "MISCONF",
  "NOREPLICAS",
  "OOM",
  "READONLY",
  "TRYAGAIN",
  "UNKILLABLE",
]);
/** A refusal of the server, without a code of its own. */
const TOO_MANY_CLIENTS = /^ERR max number of clients reached/;

/**
 * Makes the error of a command. `trouble`: the last error of the connection, which says more than
 * the command's own "Connection is closed". `variable`: the name of the variable with the URL.
 */
export function redisFault(
  error: unknown,
  trouble: unknown,
  variable: string,
  secrets: readonly string[],
): Error {
  const where = `redis (${variable})`;
  if (error instanceof StoreError || error instanceof StoreRefusedError) return error;
  if (error instanceof TimeLimitError)
    return new StoreError("redis", "timeout", `${where}: ${error.message}`);
  const reply = replyOf(error) ?? replyOf(trouble);
  if (reply !== null) {
    const text = withoutSecrets(reply, secrets);
    const code = /^[A-Z]+/.exec(reply)?.[0] ?? "ERR";
    const isPassing = PASSING.has(code) || TOO_MANY_CLIENTS.test(reply);
    return isPassing
      ? new StoreError("redis", code, `${where}: ${text}`)
      : new StoreRefusedError("redis", code, `${where}: ${text}`);
  }
  const said = withoutSecrets(messageOf(trouble) ?? messageOf(error) ?? "", secrets);
  const isRefused = trouble !== null;
  return new StoreError(
    "redis",
    isRefused ? "unreachable" : "closed",
    isRefused
      ? `${where} cannot be reached: ${said}`
      : `${where} has closed the connection (${said}); a command under way may have been carried out`,
  );
}

/** The text of a server's error reply; null for any other error. */
function replyOf(error: unknown): string | null {
  return error instanceof Error && error.name === "ReplyError" ? error.message : null;
}

function messageOf(error: unknown): string | null {
  return error instanceof Error ? error.message : null;
}
