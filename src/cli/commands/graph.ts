import { checkProject } from "../../compiler/compile.ts";
import { renderDiagnostic } from "../../compiler/diagnostic.ts";
import { GRAPH_FORMATS, renderGraph } from "../../domain/plan/graph-drawing.ts";
import { projectPaths } from "../../compiler/project-paths.ts";
import { defineCommand } from "../command.ts";
import { connect, DEPLOYMENT_OPTIONS } from "../deployment.ts";

/** `peach graph`: shows the tasks of peach.conf and their edges. */
export const graph = defineCommand({
  name: "graph",
  summary: "draws the tasks of peach.conf, or of the deployment",
  description: `Prints the tasks of peach.conf (PEACH_CONF), their edges, which of them are roots,
and what triggers them; with --deployed those of the deployment. Exits with 1 if peach.conf has
problems.`,
  options: {
    format: {
      takes: "FORMAT",
      values: GRAPH_FORMATS,
      help: "of the drawing (default mermaid; dot is Graphviz)",
    },
    deployed: { help: "asks the deployment" },
    ...DEPLOYMENT_OPTIONS,
    json: { help: "the same as --format json" },
  },
  async run({ options }, host) {
    const wanted = options.format ?? (options.json === true ? "json" : "mermaid");
    const format = GRAPH_FORMATS.find((one) => one === wanted) ?? "mermaid";
    const { env, projectRoot, cwd, out, err, signal } = host;
    if (options.deployed === true) {
      const peach = connect(options, host);
      if (format === "json") out(JSON.stringify(await peach.graph({ signal }), null, 2));
      else out((await peach.graph({ format, signal })).trimEnd());
      return 0;
    }
    const { compiled, diagnostics } = checkProject(projectPaths(env, projectRoot, cwd));
    if (compiled === null) {
      for (const diagnostic of diagnostics) err(`${renderDiagnostic(diagnostic)}\n`);
      return 1;
    }
    out(renderGraph(compiled.plan, format).trimEnd());
    return 0;
  },
});
