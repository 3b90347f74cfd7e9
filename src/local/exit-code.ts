import { UsageError } from "./arguments.ts";
import { RuntimeStartError } from "./runtime.ts";

/** The exit code of a command: what `main` says; 2, with its usage, if it was called wrongly; 1 if no runtime starts. Rejects as `main` does else. */
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
