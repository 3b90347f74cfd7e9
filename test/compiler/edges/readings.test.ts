import { beforeAll, describe, expect, it } from "vitest";
import { checkAll } from "../../../src/compiler/check.ts";
import { checkProject } from "../../../src/compiler/compile.ts";
import { checkEdges } from "../../../src/compiler/edges/check-edges.ts";
import type { Diagnostic } from "../../../src/compiler/diagnostic.ts";
import { type ProjectTexts, withProject } from "../project.ts";

const METHODS = `
import { passToChildTask, task } from "peach/task-helpers";
import { z } from "zod";
const made = (input: z.ZodType | undefined, output: z.ZodType | undefined) =>
  task({ ...(input && { input }), ...(output && { output }), run: async () => null as never });
const takes = (input: z.ZodType) => made(input, undefined);
export const text = made(undefined, z.string());
export const texts = made(undefined, z.array(z.string()));
export const takes_text = takes(z.string());
export const takes_text_or_nothing = takes(z.string().optional());
export const takes_nothing = takes(z.undefined());
export const takes_texts = takes(z.array(z.string()));
export const takes_texts_or_null = takes(z.array(z.string().nullable()));
export const takes_record = takes(z.record(z.string(), z.string()));
export const takes_number = takes(z.number());
export const number_to_text = made(z.number(), z.string());
export const text_to_text = made(z.string(), z.string());
export const takes_both = takes(z.object({ left: z.string(), right: z.string() }));
export const takes_near_and_far = takes(z.object({ near: z.string(), far: z.string() }));
export const takes_far = takes(z.object({ far: z.string() }));
export const takes_either = takes(z.union([z.object({ left: z.string() }), z.object({ right: z.string() })]));
export const takes_some = takes(z.object({ left: z.string().optional(), right: z.string().optional() }));
export const takes_left_only = takes(z.strictObject({ left: z.string() }));
export const takes_due_time = takes(z.object({ due_at: z.iso.datetime(), cron: z.string(), timezone: z.literal("UTC") }));
export const takes_right = takes(z.object({ right: z.int().min(2) }));
export const takes_upload = takes(z.object({ bucket: z.literal("uploads"), key: z.string().min(1), size: z.number() }));
export const takes_summary = takes(z.object({ run_id: z.string(), failed_tasks: z.array(z.object({ task: z.string() })) }));
export const undeclared = task({ run: async () => "x" });
export const transformed = made(undefined, z.string().transform((one) => one.length));
export async function passes_by_helper(): Promise<number> { passToChildTask("x"); return 1; }
export const dates = made(undefined, z.object({ at: z.date() }));
export const bytes = made(undefined, z.instanceof(Uint8Array));
`;

/** The first lines of what is said about a project, by place. */
interface Said {
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

const firstLine = ({ message }: Diagnostic): string => message.split("\n")[0] ?? "";

async function saidOf(conf: string): Promise<Said> {
  const texts: ProjectTexts = { conf, pipelines: { "tasks.ts": METHODS } };
  return withProject(texts, async (paths) => {
    const project = checkProject(paths);
    const { problems, warnings } = await checkEdges(project, paths);
    return {
      problems: [...project.diagnostics, ...problems].map(firstLine),
      warnings: warnings.map(firstLine),
    };
  });
}

const doesNotFit = (parent: string, child: string): string =>
  `tasks.${parent}.downstream: what \`${parent}\` passes does not fit what \`${child}\` takes`;

describe("what a task reads", { timeout: 60_000 }, () => {
  let said: Said;

  beforeAll(async () => {
    said = await saidOf(`
on_failure: told
tasks:
  told: {method: takes_summary}
  one: {method: text, downstream: [done, done_open, failed, failed_open, success, none]}
  done: {method: takes_text, run_if: all_done}
  done_open: {method: takes_text_or_nothing, run_if: all_done}
  failed: {method: takes_text, run_if: one_failed}
  failed_open: {method: takes_nothing, run_if: all_failed}
  success: {method: takes_text, run_if: one_success}
  none: {method: takes_text, run_if: none_failed}

  begin: {method: texts, downstream: [left, right]}
  left: {method: text, downstream: [both, both_done, either, either_done, some, left_only]}
  right: {method: text, downstream: [both, both_done, either, either_done, some]}
  both: {method: takes_both}
  both_done: {method: takes_both, run_if: all_done}
  either: {method: takes_either, run_if: one_success}
  either_done: {method: takes_either, run_if: all_done}
  some: {method: takes_some, run_if: one_failed}
  left_only: {method: takes_text}

  start: {method: texts, downstream: [near, far]}
  near: {method: text, downstream: partial}
  far: {method: text, callable: true, downstream: partial}
  partial: {method: takes_near_and_far}

  list: {method: texts, downstream: [items, numbers, lenient]}
  items: {method: text_to_text, each: true, downstream: collected}
  numbers: {method: takes_number, each: true}
  collected: {method: takes_texts}
  lenient: {method: text_to_text, each: {on_error: continue}, downstream: [strict, with_gaps]}
  strict: {method: takes_texts}
  with_gaps: {method: takes_texts_or_null}
`);
  });

  it("a task under a rule that allows a failure may read nothing", () => {
    expect(said.problems).toEqual(expect.arrayContaining([doesNotFit("one", "done"), doesNotFit("one", "none")]));
    expect(said.problems).not.toContain(doesNotFit("one", "done_open"));
  });

  it("a task under a rule that requires a failure reads nothing", () => {
    expect(said.problems).toContain(doesNotFit("one", "failed"));
    expect(said.problems).not.toContain(doesNotFit("one", "failed_open"));
  });

  it("a task under a rule that requires a success reads the value", () => {
    expect(said.problems).not.toContain(doesNotFit("one", "success"));
  });

  it("a task with several upstream tasks reads an object, in which tasks that may fail are absent", () => {
    expect(said.problems.filter((line) => /`both`|`some`|`either`/.test(line))).toEqual([]);
    expect(said.problems).toEqual(
      expect.arrayContaining([doesNotFit("left", "both_done"), doesNotFit("right", "both_done")]),
    );
  });

  it("a task reads no value of an upstream task that is not in its run", () => {
    expect(said.problems).toContain(doesNotFit("near", "partial"));
    expect(said.problems).not.toContain(doesNotFit("far", "partial"));
  });

  it("a task reads no value of what stands beside the task of on_failure, whose runs begin there", async () => {
    const { problems } = await saidOf(`
on_failure: near
tasks:
  start: {method: texts, downstream: [near, far]}
  near: {method: undeclared, downstream: partial}
  far: {method: text, downstream: partial}
  partial: {method: takes_far}
`);
    expect(problems).toEqual([doesNotFit("far", "partial")]);
  });

  it("a task after several tasks is checked however many runs there are that begin beside them", async () => {
    const names = Array.from({ length: 70 }, (_, index) => `root_${index}`);
    const roots = (last: string): string =>
      names.map((name) => `  ${name}: {method: ${name === names.at(-1) ? last : "text"}, downstream: join}`).join("\n");
    const conf = (last: string): string => `tasks:\n${roots(last)}\n  join: {method: takes_record}\n`;
    expect(await saidOf(conf("text"))).toEqual({ problems: [], warnings: [] });
    const { problems, warnings } = await saidOf(conf("texts"));
    expect([...problems, ...warnings].join()).toContain("root_69");
  });

  it("a task with each reads an item, and a task after it an array, with null for a failed item", () => {
    expect(said.problems.filter((line) => /`items`|`collected`|`with_gaps`/.test(line))).toEqual([]);
    expect(said.problems).toEqual(
      expect.arrayContaining([doesNotFit("list", "numbers"), doesNotFit("lenient", "strict")]),
    );
  });

  it("a declared input is refused in these cases and in no other, and is certain in all", () => {
    expect(said.problems).toHaveLength(9);
    expect(said.problems).toContain(
      "tasks.left.downstream: `either_done` does not take an object keyed by its upstream tasks",
    );
    expect(said.warnings).toEqual([]);
  });
});

describe("triggers", { timeout: 60_000 }, () => {
  it("triggers are refused if their payload is certain to be refused", async () => {
    const { problems } = await saidOf(`
on_failure: told
tasks:
  told: {method: takes_number}
  by_time: {method: takes_due_time, schedule: "0 3 * * *"}
  by_time_wrong: {method: takes_right, schedule: "0 3 * * *"}
  by_payload: {method: takes_right, schedule: {cron: "0 3 * * *", payload: {right: 2}}}
  by_payload_wrong: {method: takes_right, schedule: {cron: "0 3 * * *", payload: {right: 1}}}
  by_upload: {method: takes_upload, on: {r2: {bucket: uploads, prefix: a/}}}
  by_deletion: {method: takes_upload, on: {r2: {bucket: uploads, actions: [delete]}}}
  by_event: {method: takes_number, on: {event: published}}
`);
    expect(problems.toSorted()).toEqual([
      "on_failure: the summary of a failed run does not fit what `told` takes",
      "tasks.by_deletion.on.r2: what an object of uploads carries does not fit what `by_deletion` takes",
      "tasks.by_payload_wrong.schedule: the payload of the schedule does not fit the input of `by_payload_wrong`",
      "tasks.by_time_wrong.schedule: what a schedule without `payload` carries does not fit what `by_time_wrong` takes",
    ]);
  });
});

describe("an answer that nobody can give", { timeout: 60_000 }, () => {
  it("an edge is a warning if its output is not declared, transformed, or passed by a helper", async () => {
    const { problems, warnings } = await saidOf(`
tasks:
  undeclared: {method: undeclared, downstream: [c1, open]}
  transformed: {method: transformed, downstream: c2}
  helper: {method: passes_by_helper, downstream: c3}
  c1: {method: takes_number}
  c2: {method: takes_number}
  c3: {method: takes_text}
  open: {method: undeclared}
`);
    expect(problems).toEqual([]);
    expect(warnings).toEqual([
      "tasks.undeclared.downstream: cannot tell whether what `undeclared` passes fits what `c1` takes",
      "tasks.transformed.downstream: cannot tell whether what `transformed` passes fits what `c2` takes",
      "tasks.helper.downstream: cannot tell whether what `helper` passes fits what `c3` takes",
    ]);
  });

  it("an edge without an answer lets its project compile, and is left out while there are problems", async () => {
    const conf = "tasks:\n  p: {method: undeclared, downstream: c}\n  c: {method: takes_number}\n";
    const warned = await withProject({ conf, pipelines: { "tasks.ts": METHODS } }, (paths) => checkAll(paths));
    // The file exports more tasks than this conf names, which is another warning.
    const ofEdges = warned.warnings.filter(({ code }) => code !== "PEACH720");
    expect([warned.plan === null, warned.diagnostics.length, ofEdges.length]).toEqual([false, 0, 1]);
    const wrong = `${conf}  d: {method: dates}\n`;
    const refused = await withProject({ conf: wrong, pipelines: { "tasks.ts": METHODS } }, (paths) => checkAll(paths));
    expect([refused.plan, refused.diagnostics.length, refused.warnings.length]).toEqual([null, 1, 0]);
  });
});

describe("a declared output", { timeout: 60_000 }, () => {
  it("an output that no payload can hold is refused once, whichever tasks read it", async () => {
    const { problems } = await saidOf(`
tasks:
  dates: {method: dates, downstream: [a, b]}
  a: {method: takes_text}
  b: {method: undeclared}
  list: {method: texts, downstream: bytes}
  bytes: {method: bytes, each: true}
`);
    expect(problems).toEqual([
      "tasks.dates.method: what `dates` is declared to pass is no payload: $.at is a Date",
      "tasks.bytes.method: what `bytes` is declared to pass is no payload: $ is bytes",
      doesNotFit("dates", "a"),
    ]);
  });
});
