/**
 * Warns of tasks that write objects which trigger the same task, as far as the files show.
 *
 * The warning is a guess by design. The check reads `put` and `createMultipartUpload` in the file
 * of each task of a run, whichever function makes the call. The check warns only where the
 * beginning of the key is written out and fits the rule, or where the rule has no filter. Computed
 * keys, writes in imported files and writes by other means are not seen; at run time the depth
 * limit ends every loop.
 */
import { graphFrom } from "../domain/plan/run-graph.ts";
import type { Plan, R2Rule } from "../domain/plan/plan.ts";
import { type BucketWrite, findBucketWrites } from "./bucket-writes.ts";
import type { ResolvedMethods } from "./plan.ts";
import type { ConfCheck } from "./validate.ts";

/** A write in a run of `from` that triggers `to`, by the rule with this index in `on.r2`. */
interface Arrow {
  readonly from: string;
  readonly to: string;
  readonly rule: number;
  readonly write: BucketWrite;
}

/** Reports each rule that matches a write of a run which the rule itself leads to. */
export function checkLoops(
  { loaded, warn }: ConfCheck,
  plan: Plan,
  methods: ResolvedMethods,
): void {
  // Writes into other buckets trigger nothing. Without such a rule no file has to be read.
  const bindings = new Set(
    Object.values(plan.tasks).flatMap(({ on }) =>
      on.r2.flatMap(({ bucket }) => plan.buckets[bucket] ?? []),
    ),
  );
  if (bindings.size === 0) return;
  const files = [...new Set([...methods.tasks.values()].map(({ file }) => file))];
  const writes = new Map(files.map((file) => [file, findBucketWrites(file, bindings)]));
  const arrows = Object.keys(plan.tasks).flatMap((from) =>
    arrowsFrom(plan, from, (task) => writes.get(methods.tasks.get(task)?.file ?? "") ?? []),
  );
  const seen = new Set<string>();
  for (const { from, to, rule, write } of arrows) {
    const place = `${to} ${rule} ${write.span.source.path} ${write.span.start}`;
    if (seen.has(place) || !leadsBack(arrows, to, from)) continue;
    seen.add(place);
    const again = from === to ? "itself" : `${to}, which leads back to it`;
    warn(
      "PEACH701",
      loaded.valueSpan(["tasks", to, "on", "r2", rule]),
      `tasks.${to}.on.r2: a run of \`${from}\` may write an object that triggers ${again}`,
      {
        related: [{ span: write.span, message: "it is written here" }],
        hint: "let the task write under another prefix, or narrow the rule by `prefix` and `suffix`; as it is, a chain of runs ends with an error after 32 of them",
      },
    );
  }
}

/** Matches the writes of all tasks in a run of `from` with the rules of every task. */
function arrowsFrom(
  plan: Plan,
  from: string,
  writesOf: (task: string) => readonly BucketWrite[],
): Arrow[] {
  if (plan.tasks[from]?.on.r2.length === 0) return [];
  const writes = new Set(
    (graphFrom(plan, from)?.tasks ?? []).flatMap(({ name }) => writesOf(name)),
  );
  return [...writes].flatMap((write) =>
    Object.values(plan.tasks).flatMap(({ name, on }) =>
      on.r2.flatMap((rule, index) => {
        const fits = plan.buckets[rule.bucket] === write.binding && triggers(rule, write);
        return fits ? [{ from, to: name, rule: index, write }] : [];
      }),
    ),
  );
}

/**
 * Matches a write with a rule. The end of the key may be unknown if its beginning fits a prefix.
 */
function triggers(
  { prefix, suffix, actions }: R2Rule,
  { key: { head, tail, isWhole } }: BucketWrite,
): boolean {
  if (!actions.includes("create") || !head.startsWith(prefix)) return false;
  return tail.endsWith(suffix) || (!isWhole && tail === "" && prefix !== "");
}

/** Searches a path of arrows from one task to another; a task reaches itself. */
function leadsBack(arrows: readonly Arrow[], from: string, to: string): boolean {
  const reached = new Set([from]);
  for (const task of reached)
    for (const arrow of arrows) if (arrow.from === task) reached.add(arrow.to);
  return reached.has(to);
}
