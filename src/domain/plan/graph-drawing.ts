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
export function graphDocument(plan: Plan) {
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
  const ids = mermaidIds(tasks);
  const lines = tasks.flatMap((task) => {
    const id = ids.get(task.name) ?? "";
    const label = task.upstream.length === 0 ? `(["${task.name}"])` : `["${task.name}"]`;
    const triggers = triggerTexts(task).map(
      (text, at) => `  trigger${at}_${id}[/"${escape(text)}"/] -.-> ${id}`,
    );
    return [
      `  ${id}${label}`,
      ...triggers,
      ...task.downstream.map((child) => `  ${id} --> ${ids.get(child) ?? child}`),
    ];
  });
  return `${["flowchart LR", ...lines].join("\n")}\n`;
}

/**
 * Makes ids that carry the names of the tasks. A task named `end` would be a keyword of Mermaid,
 * and two dashes a line, so ids have a prefix and underscores.
 */
function mermaidIds(tasks: readonly TaskPlan[]): Map<string, string> {
  const ids = new Map<string, string>();
  const taken = new Set<string>();
  for (const { name } of tasks) {
    const plain = `task_${name.replaceAll("-", "_")}`;
    let id = plain;
    for (let count = 2; taken.has(id); count++) id = `${plain}_${count}`;
    taken.add(id);
    ids.set(name, id);
  }
  return ids;
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
