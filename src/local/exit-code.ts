import { UsageError } from "./arguments.ts";
import { RuntimeStartError } from "./runtime.ts";

/**
 * Runs `main` and returns the exit code: its own, 2 with the usage for wrong arguments, 1 if the
 * runtime cannot start. Other errors of `main` reject.
 */
export async function exitCodeOf(
  main: (args: readonly string[]) => Promise<number>,
  usage: string,
): Promise<number> {
  try {
    return await main(process.argv.slice(2));
  } catch (error) {
    if (error instanceof UsageError) {
      console.error(`${error.message}\n\n${usage}`);
      return 2;
    }
    if (!(error instanceof RuntimeStartError)) throw error;
    console.error(error.message);
    return 1;
  }
}
