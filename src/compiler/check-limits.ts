/**
 * Checks the limits of a task against its other keys: a priority needs a limit, items of `each`
 * only queue, and a path into a join's payload begins with an upstream task.
 */
import type { ConfCheck } from "./validate.ts";

/**
 * Reports limits without an effect, and limits whose effect cannot be the intended one. The hint
 * names the key to change.
 */
export function checkLimits({ conf, loaded, report }: ConfCheck): void {
  const upstream = Map.groupBy(
    [...conf.tasks].flatMap(([parent, { downstream = [] }]) =>
      [...new Set(downstream)].map((child) => ({ parent, child })),
    ),
    ({ child }) => child,
  );
  for (const [name, { concurrency, rate_limit: rate, priority, each, debounce }] of conf.tasks) {
    const at = (...path: string[]) => loaded.valueSpan(["tasks", name, ...path]);
    // A priority orders waiting attempts, and only a limit makes attempts wait.
    if (priority !== undefined && concurrency === undefined && rate === undefined) {
      report(
        "PEACH208",
        at("priority"),
        `tasks.${name}.priority: nothing makes this task's attempts wait`,
        {
          hint: "it orders attempts that wait for `concurrency` or `rate_limit`: give the task one of them, or remove it",
        },
      );
    }
    // The other strategies act on a whole task or run, never on a single item.
    if (
      each !== undefined &&
      concurrency?.strategy !== undefined &&
      concurrency.strategy !== "queue"
    ) {
      report(
        "PEACH209",
        at("concurrency", "strategy"),
        `tasks.${name}.concurrency.strategy: items of \`each\` always wait`,
        {
          hint: "remove it: with `each`, only `queue` is possible",
        },
      );
    }
    // A shorter `max_wait` would end each delay early.
    if (debounce?.max_wait !== undefined && debounce.max_wait < (debounce.delay ?? 0)) {
      report(
        "PEACH210",
        at("debounce", "max_wait"),
        `tasks.${name}.debounce.max_wait: it is shorter than \`delay\``,
        {
          hint: "a run starts `delay` after the last trigger, and at the latest `max_wait` after the first: make it longer, or leave `max_wait` out",
        },
      );
    }
    // With several upstream tasks the payload is keyed by their names, and so is each path into it.
    const parents = (upstream.get(name) ?? []).map(({ parent }) => parent);
    if (parents.length < 2) continue;
    const paths = [
      { path: concurrency?.key, place: ["concurrency", "key"] },
      { path: rate?.key, place: ["rate_limit", "key"] },
      { path: typeof priority === "string" ? priority : undefined, place: ["priority"] },
    ];
    for (const { path, place } of paths) {
      const [, first = ""] = path?.split(".") ?? [];
      if (path === undefined || parents.includes(first)) continue;
      report(
        "PEACH211",
        at(...place),
        `tasks.${name}.${place.join(".")}: this task reads an object keyed by its upstream tasks`,
        {
          hint: `begin with one of them: ${parents.map((parent) => `payload.${parent}.…`).join(", ")}`,
        },
      );
    }
  }
}
