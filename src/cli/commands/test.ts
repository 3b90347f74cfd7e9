import { spawn } from "node:child_process";
import { resolve } from "node:path";
import { compileProject } from "../../compiler/compile.ts";
import { renderDiagnostic } from "../../compiler/diagnostic.ts";
import { projectPaths } from "../../compiler/project-paths.ts";
import { defineCommand } from "../command.ts";

/** `peach test`: runs the tests of a project. */
export const test = defineCommand({
  name: "test",
  summary: "runs the tests of a project",
  description: `Compiles peach.conf, then runs the tests, test/**/*.test.ts or FILE, by the test runner of Node. Exits with 1 if one fails.`,
  words: [{ name: "FILE", means: "file", optional: true, several: true }],
  options: {},
  async run({ words }, host) {
    const outDir = resolve(host.projectRoot, "src/generated");
    const paths = projectPaths(host.env, host.projectRoot, host.cwd);
    const { ok, diagnostics } = compileProject({ ...paths, outDir });
    for (const diagnostic of diagnostics) host.err(`${renderDiagnostic(diagnostic)}\n`);
    if (!ok) return 1;
    const files = words.length === 0 ? ["test/**/*.test.ts"] : words;
    const cwd = words.length === 0 ? host.projectRoot : host.cwd;
    const child = spawn(process.execPath, ["--test", ...files], { cwd, stdio: "inherit" });
    host.signal.addEventListener("abort", () => child.kill());
    return new Promise((done, reject) => {
      child.once("error", reject);
      child.once("close", (code) => done(code === 0 ? 0 : 1));
    });
  },
});
