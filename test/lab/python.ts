/** The machine's own python3, with the module on its path. */
import { execFile, spawnSync } from "node:child_process";
import { join } from "node:path";

const LAB = join(import.meta.dirname, "../../src/lab");

/** Whether there is a python3 of 3.9 or later. */
export const hasPython = spawnSync("python3", ["-c", "import sys; sys.exit(sys.version_info < (3, 9))"]).status === 0;

/** Runs python3 with these arguments: its exit code and all its output. */
export function python(
  args: readonly string[],
  options: { readonly env?: Readonly<Record<string, string>>; readonly cwd?: string } = {},
): Promise<{ readonly code: number | null; readonly output: string }> {
  return new Promise((done) => {
    const env = { ...process.env, PYTHONPATH: LAB, PYTHONDONTWRITEBYTECODE: "1", ...options.env };
    const child = execFile(
      "python3",
      [...args],
      { env, cwd: options.cwd ?? import.meta.dirname, timeout: 110_000 },
      (_error, stdout, stderr) => done({ code: child.exitCode, output: stdout + stderr }),
    );
  });
}
