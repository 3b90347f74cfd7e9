import { resolve } from "node:path";
import { compileProject } from "../../src/conf/compile.ts";
import { renderDiagnostic } from "../../src/conf/diagnostic.ts";
import { projectPaths } from "../../src/conf/project-paths.ts";
import { writeDashboard } from "../local/dashboard.ts";
import { withOptions } from "./arguments.ts";
import type { Command } from "./command.ts";

/** `npm run compile`, which is no command of `peach`: only builds need it. */
export const compile: Command = {
  summary: "compiles peach.conf, the pipelines and the dashboard",
  usage: `usage: npm run compile [-- --out DIR]

Compiles peach.conf (PEACH_CONF) and the pipelines it names (PEACH_PIPELINES) to plan.ts, registry.ts and tasks.d.ts,
and the dashboard to dashboard.ts.
With any problem it prints all of them, writes nothing and exits with 1.

  --out   where to (default: src/generated)`,

  run(args, surroundings) {
    return withOptions(this, { out: { type: "string" } }, args, surroundings, async ({ out }) => {
      const { env, repoRoot, cwd } = surroundings;
      const outDir = out === undefined ? resolve(repoRoot, "src/generated") : resolve(cwd, out);
      const { ok, diagnostics } = compileProject({ ...projectPaths(env, repoRoot, cwd), outDir });
      for (const diagnostic of diagnostics) surroundings.err(`${renderDiagnostic(diagnostic)}\n`);
      if (ok) await writeDashboard(repoRoot, outDir);
      return ok ? 0 : 1;
    });
  },
};
