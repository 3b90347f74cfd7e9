import { parseArgs, type ParseArgsOptionsConfig } from "node:util";
import type { Command, ExitCode, Surroundings } from "./command.ts";

type Values<Options extends ParseArgsOptionsConfig> = ReturnType<
  typeof parseArgs<{ args: string[]; options: Options; strict: true; allowPositionals: false }>
>["values"];

/** Runs `action` with the parsed options; explains itself on `--help` and on wrong usage (exit code 2). */
export async function withOptions<const Options extends ParseArgsOptionsConfig>(
  command: Pick<Command, "usage">,
  options: Options,
  args: readonly string[],
  { out, err }: Surroundings,
  action: (values: Values<Options>) => Promise<ExitCode>,
): Promise<ExitCode> {
  if (args.includes("--help") || args.includes("-h")) {
    out(command.usage);
    return 0;
  }
  let values: Values<Options>;
  try {
    ({ values } = parseArgs({ args: [...args], options, strict: true, allowPositionals: false }));
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    err(`${error.message.split("\n")[0] ?? ""}\n\n${command.usage}`);
    return 2;
  }
  return action(values);
}
