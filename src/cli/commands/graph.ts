import type { Graph } from "../../client/client.ts";
import { checkProject } from "../../compiler/compile.ts";
import { renderDiagnostics } from "../../compiler/diagnostic.ts";
import { projectPaths } from "../../compiler/project-paths.ts";
import { GRAPH_FORMATS, graphDocument, renderGraph } from "../../domain/plan/graph-drawing.ts";
import { type CommandHost, defineCommand, type Terminal } from "../command.ts";
import { connect, DEPLOYMENT_OPTIONS } from "../deployment.ts";
import { drawGraph } from "../graph/draw-graph.ts";
import { paint } from "../table.ts";

const FORMATS = ["text", ...GRAPH_FORMATS] as const;

/** `peach graph`: shows the tasks of peach.conf and their edges. */
export const graph = defineCommand({
  name: "graph",
  summary: "draws the tasks of peach.conf, or of the deployment",
  description: `Draws the tasks of peach.conf (PEACH_CONF), their edges, which of them are roots, and
what triggers them; with --deployed those of the deployment. In a terminal each task stands below its
upstream tasks; a graph that is too wide for the terminal is an outline. Elsewhere the drawing is in
Mermaid. Exits with 1 if peach.conf has problems, such as a cycle.`,
  options: {
    format: {
      takes: "FORMAT",
      values: FORMATS,
      help: "of the drawing (default text in a terminal, else mermaid; dot is Graphviz)",
    },
    deployed: { help: "asks the deployment" },
    ...DEPLOYMENT_OPTIONS,
    json: { help: "the same as --format json" },
  },
  async run({ options }, host) {
    const format = formatFor(options, host);
    const { env, projectRoot, cwd, out, err, signal, terminal } = host;
    if (options.deployed === true) {
      const peach = connect(options, host);
      if (format === "json") out(JSON.stringify(await peach.graph({ signal }), null, 2));
      else if (format === "text") out(graphText(await peach.graph({ signal }), terminal));
      else out((await peach.graph({ format, signal })).trimEnd());
      return 0;
    }
    const { compiled, diagnostics } = checkProject(projectPaths(env, projectRoot, cwd));
    if (compiled === null) {
      err(`${renderDiagnostics(diagnostics)}\n`);
      return 1;
    }
    const { plan } = compiled;
    out(
      format === "text"
        ? graphText(graphDocument(plan), terminal)
        : renderGraph(plan, format).trimEnd(),
    );
    return 0;
  },
});

/** The format that is asked for. Without one a terminal gets the drawing, and a program Mermaid. */
function formatFor(
  { format, json }: { readonly format?: string | undefined; readonly json?: boolean | undefined },
  { terminal }: CommandHost,
): (typeof FORMATS)[number] {
  const usual = terminal.columns === null ? "mermaid" : "text";
  const wanted = format ?? (json === true ? "json" : usual);
  return FORMATS.find((one) => one === wanted) ?? usual;
}

/** Draws the graph, with what triggers the tasks below it. Roots are coloured. */
function graphText({ tasks }: Pick<Graph, "tasks">, terminal: Terminal): string {
  if (tasks.length === 0) return "there are no tasks";
  const roots = new Set(tasks.filter(({ root }) => root).map(({ task }) => task));
  const drawing = drawGraph(
    tasks.map(({ task, downstream }) => ({ name: task, downstream })),
    terminal,
    (name, text) => (roots.has(name) ? paint(text, "cyan", terminal) : text),
  );
  const triggers = tasks.flatMap(({ task, triggers: own }) =>
    own.map((trigger) => `${task} is triggered by ${triggerText(trigger)}`),
  );
  return [drawing, ...(triggers.length > 0 ? ["", ...triggers] : [])].join("\n");
}

/** Describes a trigger as the other formats do. */
function triggerText(trigger: Graph["tasks"][number]["triggers"][number]): string {
  if (trigger.source === "event") return `event ${trigger.event}`;
  const { bucket, prefix, suffix, actions } = trigger;
  return `r2 ${bucket}/${prefix}*${suffix} (${actions.join(", ")})`;
}
