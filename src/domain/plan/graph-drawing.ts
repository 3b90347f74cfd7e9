/** The graph of a plan as JSON, Mermaid or Graphviz. Pure. */
import type { Plan, TaskPlan } from "./plan.ts";

export const GRAPH_FORMATS = ["json", "mermaid", "dot"] as const;
export type GraphFormat = (typeof GRAPH_FORMATS)[number];

/** Renders the graph in `format`, with a final line break. */
export function renderGraph(plan: Plan, format: GraphFormat): string {
  switch (format) {
    case "json":
      return `${JSON.stringify(graphDocument(plan), null, 2)}\n`;
    case "mermaid":
      return mermaid(plan);
    case "dot":
      return dot(plan);
  }
}

/** Converts the graph to plain data, in file order. `root`: a task without upstream tasks. */
function graphDocument(plan: Plan) {
  return {
    conf_version: plan.version,
    tasks: Object.values(plan.tasks).map((task) => ({
      task: task.name,
      description: task.description,
      root: task.upstream.length === 0,
      upstream: task.upstream,
      downstream: task.downstream,
      triggers: [
        ...task.on.r2.map((rule) => ({ source: "r2" as const, ...rule })),
        ...task.on.events.map((event) => ({ source: "event" as const, event })),
      ],
    })),
    endpoints: plan.endpoints.map(({ name, url, methods }) => ({ endpoint: name, url, methods })),
  };
}

function mermaid(plan: Plan): string {
  const tasks = Object.values(plan.tasks);
  // Generated ids: a task named `end` or `graph` would be a keyword of Mermaid.
  const ids = new Map(tasks.map(({ name }, index) => [name, `task${index}`]));
  const lines = tasks.flatMap((task, index) => {
    const label = task.upstream.length === 0 ? `(["${task.name}"])` : `["${task.name}"]`;
    const triggers = triggerTexts(task).map(
      (text, at) => `  trigger${index}_${at}[/"${escape(text)}"/] -.-> task${index}`,
    );
    return [
      `  task${index}${label}`,
      ...triggers,
      ...task.downstream.map((child) => `  task${index} --> ${ids.get(child) ?? child}`),
    ];
  });
  return `${["flowchart LR", ...lines].join("\n")}\n`;
}

function dot(plan: Plan): string {
  const lines = Object.values(plan.tasks).flatMap((task) => [
    `  ${quote(task.name)} [${task.upstream.length === 0 ? "shape=box, style=bold" : "shape=box"}];`,
    ...triggersInDot(task),
    ...task.downstream.map((child) => `  ${quote(task.name)} -> ${quote(child)};`),
  ]);
  return `${["digraph peach {", "  rankdir=LR;", ...lines, "}"].join("\n")}\n`;
}

function triggersInDot(task: TaskPlan): string[] {
  return triggerTexts(task).flatMap((text) => [
    `  ${quote(text)} [shape=note];`,
    `  ${quote(text)} -> ${quote(task.name)} [style=dashed];`,
  ]);
}

function triggerTexts({ on }: TaskPlan): string[] {
  return [
    ...on.r2.map(
      ({ bucket, prefix, suffix, actions }) =>
        `r2 ${bucket}/${prefix}*${suffix} (${actions.join(", ")})`,
    ),
    ...on.events.map((event) => `event ${event}`),
  ];
}

function quote(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

/** Escapes special characters as Mermaid entities. */
function escape(text: string): string {
  return text.replaceAll(/[#"<>]/g, (character) => `#${character.charCodeAt(0)};`);
}
