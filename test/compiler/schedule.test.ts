import { describe, expect, it } from "vitest";
import type { SchedulePlan } from "../../src/domain/plan/plan.ts";
import { planOf, problemsOf } from "./project.ts";

async function schedulesOf(schedule: string): Promise<readonly SchedulePlan[]> {
  const plan = await planOf(`tasks:\n  t:\n    method: a\n    schedule: ${schedule}\n`);
  return plan.tasks["t"]?.schedules ?? [];
}

async function idOf(schedule: string): Promise<string | undefined> {
  return (await schedulesOf(schedule))[0]?.id;
}

describe("a schedule in the plan", () => {
  it("a schedule in the plan has every default filled in", async () => {
    expect(await schedulesOf('"0  3 * * * "')).toEqual([
      {
        id: expect.stringMatching(/^[0-9a-f]{12}$/),
        cron: "0 3 * * *",
        timezone: "UTC",
        overlap: "allow",
        catchUp: { policy: "latest", windowMs: null },
        payload: null,
      },
    ]);
  });

  it.each([
    ["none", { policy: "none", windowMs: null }],
    ["latest", { policy: "latest", windowMs: null }],
    ["all", { policy: "all", windowMs: 86_400_000 }],
    ["{policy: all, window: 1h}", { policy: "all", windowMs: 3_600_000 }],
    ["{policy: latest, window: 7d}", { policy: "latest", windowMs: 604_800_000 }],
  ])("a schedule in the plan takes catch_up %s", async (given, catchUp) => {
    expect((await schedulesOf(`{cron: "0 3 * * *", catch_up: ${given}}`))[0]?.catchUp).toEqual(catchUp);
  });

  it.each([
    ["{kind: full, days: [1, 2]}", '{"kind":"full","days":[1,2]}'],
    ["text", '"text"'],
    ["null", "null"],
    ["", "null"],
    ["0", "0"],
  ])("a schedule in the plan carries the payload %s", async (given, payload) => {
    expect((await schedulesOf(`{cron: "0 3 * * *", payload: ${given}}`))[0]?.payload).toBe(payload);
  });

  it("a schedule in the plan may be several, in file order", async () => {
    const schedules = await schedulesOf('["0 3 * * *", {cron: "@hourly", timezone: Asia/Kathmandu, overlap: skip}]');
    expect(schedules.map(({ cron, timezone, overlap }) => [cron, timezone, overlap])).toEqual([
      ["0 3 * * *", "UTC", "allow"],
      ["@hourly", "Asia/Kathmandu", "skip"],
    ]);
  });

  it("a schedule in the plan is known by cron, timezone and payload", async () => {
    const id = await idOf('"0 3 * * *"');
    expect(await idOf('{cron: " 0 3 * * *", timezone: UTC, overlap: skip, catch_up: all}')).toBe(id);
    const others = [
      await idOf('"0 4 * * *"'),
      await idOf('{cron: "0 3 * * *", timezone: Europe/Zurich}'),
      await idOf('{cron: "0 3 * * *", payload: 1}'),
      await idOf('{cron: "0 3 * * *", payload: }'),
    ];
    expect(new Set([id, ...others]).size).toBe(5);
  });
});

describe("a schedule that is wrong", () => {
  it("a schedule that is wrong is reported where it is wrong, with what would be right", async () => {
    const conf = `tasks:
  t:
    method: a
    schedule: 0 25 * * *
  u:
    method: a
    schedule:
      - {cron: daily, timezone: Europe/Londn}
      - {cron: "0 0 30 2 *", overlap: skipp, catch_up: {window: 1s}}
      - {timezone: Mars, payload: {a: [1, .inf]}, cathc_up: all}
      - {cron: 7, catch_up: lates}
  v: {method: a, schedule: []}
`;
    expect(await problemsOf(conf)).toMatchInlineSnapshot(`
      "peach.conf:4:15: tasks.t.schedule: expected a cron expression whose hours (field 2) is 0-23, given 0 25 * * * [PEACH111]
        4 |     schedule: 0 25 * * *
          |               ^^^^^^^^^^
        hint: \`25\` is not; a field is *, a value, a list 1,2, a range 1-5, or a step */5 or 0-30/5

      peach.conf:8:16: tasks.u.schedule[0].cron: expected a cron expression of five fields, such as 0 3 * * *, given daily [PEACH111]
        8 |       - {cron: daily, timezone: Europe/Londn}
          |                ^^^^^
        hint: did you mean "@daily"?

      peach.conf:8:33: tasks.u.schedule[0].timezone: expected a time zone of the IANA database, such as Europe/Zurich, given Europe/Londn [PEACH112]
        8 |       - {cron: daily, timezone: Europe/Londn}
          |                                 ^^^^^^^^^^^^
        hint: did you mean Europe/London?

      peach.conf:9:16: tasks.u.schedule[1].cron: expected a cron expression that is due some day, given "0 0 30 2 *" [PEACH111]
        9 |       - {cron: "0 0 30 2 *", overlap: skipp, catch_up: {window: 1s}}
          |                ^^^^^^^^^^^^
        hint: no month of these has such a day

      peach.conf:9:39: tasks.u.schedule[1].overlap: expected one of allow, skip, buffer_one, cancel_running, given skipp [PEACH106]
        9 |       - {cron: "0 0 30 2 *", overlap: skipp, catch_up: {window: 1s}}
          |                                       ^^^^^
        hint: did you mean skip?

      peach.conf:9:46: tasks.u.schedule[1].catch_up: \`policy\` is missing [PEACH102]
        9 |       - {cron: "0 0 30 2 *", overlap: skipp, catch_up: {window: 1s}}
          |                                              ^^^^^^^^

      peach.conf:9:65: tasks.u.schedule[1].catch_up.window: expected a duration of at least 1m, given 1s [PEACH105]
        9 |       - {cron: "0 0 30 2 *", overlap: skipp, catch_up: {window: 1s}}
          |                                                                 ^^

      peach.conf:10:9: tasks.u.schedule[2]: \`cron\` is missing [PEACH102]
        10 |       - {timezone: Mars, payload: {a: [1, .inf]}, cathc_up: all}
           |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

      peach.conf:10:20: tasks.u.schedule[2].timezone: expected a time zone of the IANA database, such as Europe/Zurich, given Mars [PEACH112]
        10 |       - {timezone: Mars, payload: {a: [1, .inf]}, cathc_up: all}
           |                    ^^^^
        hint: it is written as Area/City, or UTC

      peach.conf:10:43: tasks.u.schedule[2].payload.a[1]: expected a number that JSON holds exactly, given .inf [PEACH113]
        10 |       - {timezone: Mars, payload: {a: [1, .inf]}, cathc_up: all}
           |                                           ^^^^
        hint: JSON has no infinity, which is also what a number beyond 1.8e308 becomes, and no NaN: leave it out, or write it as a text, in quotes

      peach.conf:10:51: tasks.u.schedule[2].cathc_up: unknown key [PEACH101]
        10 |       - {timezone: Mars, payload: {a: [1, .inf]}, cathc_up: all}
           |                                                   ^^^^^^^^
        hint: did you mean \`catch_up\`? allowed keys: cron, timezone, overlap, catch_up, payload

      peach.conf:11:16: tasks.u.schedule[3].cron: expected a cron expression as text, given 7 [PEACH111]
        11 |       - {cron: 7, catch_up: lates}
           |                ^

      peach.conf:11:29: tasks.u.schedule[3].catch_up: expected one of none, latest, all, given lates [PEACH106]
        11 |       - {cron: 7, catch_up: lates}
           |                             ^^^^^
        hint: did you mean latest?

      peach.conf:12:28: tasks.v.schedule: expected at least 1 item, given an empty list [PEACH103]
        12 |   v: {method: a, schedule: []}
           |                            ^^"
    `);
  });

  it("a schedule that is wrong is reported if it stands there twice", async () => {
    const conf = `tasks:
  t:
    method: a
    schedule: ["0 3 * * *", "0 4 * * *", {cron: "0  3 * * *", overlap: skip}]
`;
    expect(await problemsOf(conf)).toMatchInlineSnapshot(`
      "peach.conf:4:42: tasks.t.schedule: the same cron, timezone and payload stand there twice [PEACH207]
        4 |     schedule: ["0 3 * * *", "0 4 * * *", {cron: "0  3 * * *", overlap: skip}]
          |                                          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        peach.conf:4:16: the first is here
        4 |     schedule: ["0 3 * * *", "0 4 * * *", {cron: "0  3 * * *", overlap: skip}]
          |                ^^^^^^^^^^^
        hint: keep one of the two"
    `);
  });

  it("a schedule that is wrong is reported if its payload has a number that JSON cannot hold exactly", async () => {
    const conf = `tasks:
  t:
    method: a
    schedule:
      - {cron: "0 1 * * *", payload: {ids: [1, 9007199254740993]}}
      - {cron: "0 2 * * *", payload: 0xffffffffffffffff}
      - {cron: "0 3 * * *", payload: 1e400}
      - {cron: "0 4 * * *", payload: {exact: 9007199254740991, rounded: 1e30, text: "9007199254740993"}}
`;
    const problems = (await problemsOf(conf)).split("\n").filter((line) => line.startsWith("peach.conf"));
    expect(problems).toEqual([
      "peach.conf:5:48: tasks.t.schedule[0].payload.ids[1]: expected a number that JSON holds exactly, given 9007199254740993 [PEACH113]",
      "peach.conf:6:38: tasks.t.schedule[1].payload: expected a number that JSON holds exactly, given 0xffffffffffffffff [PEACH113]",
      "peach.conf:7:38: tasks.t.schedule[2].payload: expected a number that JSON holds exactly, given 1e400 [PEACH113]",
    ]);
  });

  it("a schedule that is wrong is reported if its payload holds itself, or is too large", async () => {
    const conf = `tasks:
  t:
    method: a
    schedule:
      - {cron: "0 3 * * *", payload: &self {inner: *self}}
      - {cron: "0 3 * * *", payload: "${"x".repeat(131_072)}"}
`;
    const problems = await problemsOf(conf);
    expect(problems).toContain("tasks.t.schedule[0].payload.inner: expected a JSON value, given a mapping");
    expect(problems).toContain("tasks.t.schedule[1].payload: expected a JSON value of at most 128KB, given");
  });
});
