import { checkProject } from "../../src/conf/compile.ts";
import { renderDiagnostic } from "../../src/conf/diagnostic.ts";
import { GRAPH_FORMATS, renderGraph } from "../../src/conf/graph-view.ts";
import { projectPaths } from "../../src/conf/project-paths.ts";
import { withOptions } from "./arguments.ts";
import type { Command } from "./command.ts";

/** `peach graph`: the tasks of peach.conf and their edges. */
export const graph: Command = {
  summary: "draws the tasks of peach.conf",
  usage: `usage: npm run peach -- graph [--format json|mermaid|dot]

Prints the tasks of peach.conf (PEACH_CONF), their edges, which of them are roots, and what triggers them.
Exits with 1 if peach.conf has problems.

  --format   mermaid (default), dot (Graphviz) or json
  --json     the same as --format json`,

  run(args, surroundings) {
    const options = { format: { type: "string" }, json: { type: "boolean" } } as const;
    return withOptions(this, options, args, surroundings, async ({ format: given, json }) => {
      const wanted = given ?? (json === true ? "json" : "mermaid");
      const format = GRAPH_FORMATS.find((one) => one === wanted);
      if (format === undefined) {
        surroundings.err(`--format: expected one of ${GRAPH_FORMATS.join(", ")}, given ${wanted}`);
        return 2;
      }
      const { compiled, diagnostics } = checkProject(
        projectPaths(surroundings.env, surroundings.repoRoot, surroundings.cwd),
      );
      if (compiled === null) {
        for (const diagnostic of diagnostics) surroundings.err(`${renderDiagnostic(diagnostic)}\n`);
        return 1;
      }
      surroundings.out(renderGraph(compiled.plan, format).trimEnd());
      return 0;
    });
  },
};
