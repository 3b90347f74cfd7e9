import { PeachError } from "../client/client.ts";
import {
  UsageError,
  type Command,
  type ExitCode,
  type Prepared,
  type CommandHost,
} from "./command.ts";
import { MissingPackageError } from "../compiler/edges/type-config.ts";
import { describeError } from "./deployment.ts";

/**
 * Runs a command and converts its errors to messages and exit codes. Unexpected errors are thrown.
 */
export async function runOne(
  command: Command,
  args: readonly string[],
  host: CommandHost,
): Promise<ExitCode> {
  const { err, out, signal } = host;
  if (args.includes("--help") || args.includes("-h")) {
    out(command.usage);
    return 0;
  }
  let given: Prepared["options"] = {};
  try {
    const prepared = command.prepare(args);
    given = prepared.options;
    return await prepared.run(host);
  } catch (error) {
    if (error instanceof UsageError) {
      const [synopsis = ""] = command.usage.split("\n\n");
      err(`${error.message}\n\n${synopsis}\n--help says more.`);
      return 2;
    }
    if (error instanceof PeachError) {
      const { code, detail, hint, status, requestId, errors } = error;
      if (given["json"] === true)
        out(
          JSON.stringify(
            { error: { code, detail, hint, status, request_id: requestId, errors } },
            null,
            2,
          ),
        );
      else err(describeError(error, given, host));
      return 1;
    }
    if (error instanceof MissingPackageError || isSystemError(error)) {
      err(`error: ${error.message}`);
      return 1;
    }
    if (signal.aborted) return 1;
    throw error;
  }
}

/** Tests for an error of a system call, such as an unreadable file. */
function isSystemError(error: unknown): error is Error {
  return error instanceof Error && "syscall" in error;
}
