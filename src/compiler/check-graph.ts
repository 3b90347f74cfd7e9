/** Checks `downstream` (known tasks, each named once, no cycle) and `on_failure` (a known task). */
import type { Related, Report } from "./diagnostic.ts";
import { KnownNames } from "./known-names.ts";
import type { Span } from "./source.ts";
import type { ConfCheck } from "./validate.ts";

/** An edge of the graph, and the place in peach.conf that names it. */
export interface Edge {
  readonly parent: string;
  readonly child: string;
  readonly span: Span;
}

/** Collects the edges between known tasks, in file order. Wrong edges are reported and left out. */
export function checkGraph({ conf, loaded, report }: ConfCheck): Edge[] {
  const edges: Edge[] = [];
  const names = new KnownNames(conf.tasks.keys());
  for (const [parent, task] of conf.tasks) {
    const seen = new Set<string>();
    for (const [index, child] of (task.downstream ?? []).entries()) {
      const span = loaded.valueSpan(["tasks", parent, "downstream", index]);
      const place = `tasks.${parent}.downstream: `;
      if (seen.has(child)) {
        report("PEACH202", span, `${place}\`${child}\` is named twice`, {
          hint: "a task is started once, however often it is named: remove one",
        });
      } else if (!conf.tasks.has(child)) {
        reportUnknown(child, place, span, names, report);
      } else if (child === parent) {
        report("PEACH203", span, `${place}a cycle: ${parent} → ${parent}`, {
          hint: "to run it again, trigger it from its method with triggerTaskWithEvent: that is a new run",
        });
      } else edges.push({ parent, child, span });
      seen.add(child);
    }
  }
  // The task of `on_failure` runs after a failed run. It is no edge, so it can be no cycle.
  const { on_failure: told } = conf.root;
  if (told !== undefined && !conf.tasks.has(told))
    reportUnknown(told, "on_failure: ", loaded.valueSpan(["on_failure"]), names, report);
  for (const cycle of findCycles([...conf.tasks.keys()], edges)) reportCycle(cycle, report);
  return edges;
}

/** Reports the name of a task that does not exist, with the most similar one. */
function reportUnknown(
  child: string,
  place: string,
  span: Span,
  names: KnownNames,
  report: Report,
): void {
  const near = names.nearest(child);
  const known = `tasks: ${names.list()}`;
  report("PEACH201", span, `${place}no task is called \`${child}\``, {
    hint: near === null ? known : `did you mean \`${near}\`? ${known}`,
  });
}

/** Reports a cycle at its first edge; the other edges are related places, in order. */
function reportCycle(cycle: readonly Edge[], report: Report): void {
  const [first, ...rest] = cycle;
  if (first === undefined) return;
  const way = [first.parent, ...cycle.map(({ child }) => child)].join(" → ");
  const related = rest.map((edge): Related => ({
    span: edge.span,
    message: `then ${edge.parent} → ${edge.child}`,
  }));
  report("PEACH203", first.span, `tasks.${first.parent}.downstream: a cycle: ${way}`, {
    related,
    hint: "remove one of these edges; to go round on purpose, trigger the first task from the last one's method: that is a new run",
  });
}

/**
 * Finds a cycle for each edge that leads back to a task on the current path, walking depth first in
 * file order. Without these edges the graph has no cycle. A cycle begins at the first task in the
 * walk. The walk keeps a separate stack, since long chains would exhaust the call stack.
 */
function findCycles(names: readonly string[], edges: readonly Edge[]): Edge[][] {
  const byParent = Map.groupBy(edges, ({ parent }) => parent);
  const done = new Set<string>();
  const cycles: Edge[][] = [];
  for (const root of names) {
    const way: Edge[] = [];
    const onWay = new Map([[root, 0]]);
    const open = done.has(root) ? [] : [{ name: root, left: [...(byParent.get(root) ?? [])] }];
    for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
      const edge = top.left.shift();
      if (edge === undefined) {
        done.add(top.name);
        onWay.delete(top.name);
        open.pop();
        way.pop();
        continue;
      }
      const start = onWay.get(edge.child);
      if (start !== undefined) cycles.push([...way.slice(start), edge]);
      else if (!done.has(edge.child)) {
        way.push(edge);
        onWay.set(edge.child, open.length);
        open.push({ name: edge.child, left: [...(byParent.get(edge.child) ?? [])] });
      }
    }
  }
  return cycles;
}
