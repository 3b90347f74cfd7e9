import { spawn } from "node:child_process";
import { resolve } from "node:path";
import { compileProject } from "../../compiler/compile.ts";
import { renderDiagnostic } from "../../compiler/diagnostic.ts";
import { projectPaths } from "../../compiler/project-paths.ts";
import { RuntimeStartError } from "../../local/start-error.ts";
import { testArguments } from "../../local/test-runner.ts";
import { type CommandHost, defineCommand } from "../command.ts";

/** `peach test`: runs the tests of a project. */
export const test = defineCommand({
  name: "test",
  summary: "runs the tests of a project",
  description: `Compiles peach.conf, then runs the tests, test/**/*.test.ts or FILE, by vitest if package.json names it, else by the test runner of Node.
Exits with 1 if one fails.`,
  words: [{ name: "FILE", means: "file", optional: true, several: true }],
  options: {},
  async run({ words }, host) {
    const outDir = resolve(host.projectRoot, "src/generated");
    const paths = projectPaths(host.env, host.projectRoot, host.cwd);
    const { ok, diagnostics } = compileProject({ ...paths, outDir });
    for (const diagnostic of diagnostics) host.err(`${renderDiagnostic(diagnostic)}\n`);
    if (!ok) return 1;
    const program = argumentsOf(host, words);
    if (program === null) return 1;
    const cwd = words.length === 0 ? host.projectRoot : host.cwd;
    const child = spawn(process.execPath, program, { cwd, stdio: "inherit" });
    host.signal.addEventListener("abort", () => child.kill());
    return new Promise((done, reject) => {
      child.once("error", reject);
      child.once("close", (code) => done(code === 0 ? 0 : 1));
    });
  },
});

/** Makes the arguments of Node. Reports a runner that is not installed and returns null. */
function argumentsOf(host: CommandHost, files: readonly string[]): string[] | null {
  try {
    return testArguments(host.projectRoot, files);
  } catch (error) {
    if (!(error instanceof RuntimeStartError)) throw error;
    host.err(`error: ${error.message}`);
    return null;
  }
}
