import { IS_LONG } from "../support/long.ts";
import { fc } from "../support/property.ts";
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { checkProject } from "../../src/compiler/compile.ts";
import { renderDiagnostic } from "../../src/compiler/diagnostic.ts";
import { positionAt } from "../../src/compiler/source.ts";
import { markedIn } from "./json-schema.ts";
import { planOf, problemsOf, withProject } from "./project.ts";

const METHODS = ["a", "b", "c", "d", "e"] as const;

const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_-]{0,12}$/).filter((text) => text !== "__proto__");
const maybe = <T>(key: string, value: fc.Arbitrary<T>) =>
  fc.option(
    value.map((one) => ({ [key]: one })),
    { nil: {} },
  );
const oneOrMany = <T>(item: fc.Arbitrary<T>) => fc.oneof(item, fc.array(item, { minLength: 1, maxLength: 3 }));

const retries = fc.oneof(
  fc.integer({ min: 0, max: 100 }),
  fc.record(
    {
      limit: fc.integer({ min: 0, max: 100 }),
      delay: fc.constantFrom("0s", "250ms", "3s"),
      backoff: fc.constantFrom("exponential", "linear", "constant"),
      max_delay: fc.constantFrom("1m", "2h"),
      jitter: fc.boolean(),
    },
    { requiredKeys: [] },
  ),
);
const tuning = fc
  .tuple(
    maybe("retries", retries),
    maybe("timeout", fc.constantFrom("1ms", "25s", "14m")),
    maybe("dispatch", fc.constantFrom("queue", "direct")),
  )
  .map((parts) => Object.assign({}, ...parts));
const rule = fc.record(
  {
    bucket: fc.constant("uploads"),
    prefix: fc.string(),
    suffix: fc.string(),
    actions: oneOrMany(fc.constantFrom("create", "delete")),
  },
  { requiredKeys: ["bucket"] },
);

/** Tasks in topological order, so that edges lead forward only. */
const tasks = fc
  .uniqueArray(name, { minLength: 1, maxLength: 8 })
  .chain((names) =>
    fc.tuple(
      ...names.map((one, index) =>
        fc
          .tuple(
            fc.constantFrom(...METHODS).map((method) => ({ method })),
            tuning,
            maybe("description", fc.string()),
            maybe("downstream", fc.subarray(names.slice(index + 1))),
            maybe(
              "on",
              oneOrMany(rule).map((r2) => ({ r2 })),
            ),
          )
          .map((parts) => [one, Object.assign({}, ...parts)] as const),
      ),
    ),
  )
  .map((entries) => Object.fromEntries(entries));

const validConf = fc
  .tuple(
    tasks.map((all) => ({ tasks: all })),
    maybe("codops", name),
    maybe("retention", fc.constantFrom("1s", "30d")),
    maybe("inline_limit", fc.constantFrom("0B", "256KB")),
    maybe("defaults", tuning),
    maybe(
      "endpoints",
      fc.record({ first: fc.constant({ method: "handle" }), second: fc.constant({ method: "handle", url: "/x/:id" }) }),
    ),
  )
  .map((parts) => stringify(Object.assign({}, ...parts)));

const SHARP = [
  "{",
  "}",
  "[",
  "]",
  ":",
  "- ",
  "*a",
  "&a ",
  "<<: ",
  "\t",
  "\n",
  '"',
  "'",
  "|",
  "? ",
  "!!int ",
  "---\n",
  "#",
  "null",
  "1e400",
  "\u0000",
  "\uD800",
  "%YAML 1.1\n",
];

/** Replaces the value of one line. */
function withOther(conf: string, pick: number, value: unknown): string {
  const lines = conf.split("\n");
  const places = [...lines.keys()].filter((at) => /: \S/.test(lines[at] ?? ""));
  const place = places[pick % places.length] ?? 0;
  return lines
    .map((line, at) => (at === place ? `${line.slice(0, line.indexOf(": "))}: ${JSON.stringify(value)}` : line))
    .join("\n");
}

describe("any conf", { timeout: 60_000 }, () => {
  it("any conf that is valid compiles", async () => {
    await fc.assert(
      fc.asyncProperty(validConf, async (conf) => {
        const plan = await planOf(conf);
        expect(markedIn(conf)).toEqual([]);
        for (const task of Object.values(plan.tasks)) {
          for (const child of task.downstream) expect(plan.tasks[child]?.upstream).toContain(task.name);
        }
      }),
      { numRuns: IS_LONG ? 100 : 30 },
    );
  });

  it("any conf with one change to its text gets a plan, or problems that point into the file", async () => {
    const change = fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      cut: fc.nat(12),
      put: fc.oneof(fc.constantFrom(...SHARP), fc.string({ maxLength: 6 })),
    });
    await fc.assert(
      fc.asyncProperty(validConf, change, async (conf, { at, cut, put }) => {
        const start = Math.floor(at * conf.length);
        await expectAnswer(conf.slice(0, start) + put + conf.slice(start + cut));
      }),
      {
        numRuns: IS_LONG ? 200 : 60,
        // The parser places the end of what is not closed behind the end of the file.
        examples: [["tasks:\n  A:\n    method: a\n", { at: 0, cut: 0, put: "&{" }]],
      },
    );
  });

  it("any conf in which an editor marks a replaced value has problems", async () => {
    await fc.assert(
      fc.asyncProperty(validConf, fc.nat(), fc.jsonValue({ maxDepth: 2 }), async (conf, pick, value) => {
        const changed = withOther(conf, pick, value);
        fc.pre(markedIn(changed).length > 0);
        expect(await problemsOf(changed)).not.toBe("");
      }),
      { numRuns: IS_LONG ? 100 : 30 },
    );
  });

  it("any conf with one value replaced by any other gets a plan, or problems that point into the file", async () => {
    await fc.assert(
      fc.asyncProperty(validConf, fc.nat(), fc.jsonValue({ maxDepth: 2 }), async (conf, pick, value) => {
        await expectAnswer(withOther(conf, pick, value));
      }),
      { numRuns: IS_LONG ? 100 : 30 },
    );
  });
});

async function expectAnswer(conf: string): Promise<void> {
  await withProject({ conf }, (paths) => {
    const { compiled, diagnostics } = checkProject(paths);
    expect(compiled === null).toBe(diagnostics.length > 0);
    for (const { span, message } of diagnostics) {
      expect(span.end).toBeGreaterThanOrEqual(span.start);
      expect(span.end).toBeLessThanOrEqual(span.source.text.length);
      expect(positionAt(span.source, span.start).line).toBeLessThanOrEqual(span.source.text.split("\n").length);
      expect(message).not.toMatch(/undefined|\[object/);
    }
    for (const diagnostic of diagnostics)
      expect(renderDiagnostic(diagnostic)).toContain(diagnostic.message.split("\n")[0]);
  });
}
