/** Lints that read peach.conf alone. Every conf is one task `a` unless it says otherwise. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { checkProject } from "../../../src/compiler/compile.ts";
import { lintProject } from "../../../src/compiler/lints/lint-project.ts";
import { withProject } from "../project.ts";
import { warned } from "./warned.ts";

/** The codes for a task `a` with these keys, in a project whose only functions are its methods. */
async function codesFor(keys: string, more = "", pipelines = ""): Promise<string[]> {
  const conf = `tasks:\n  a: {method: a${keys === "" ? "" : `, ${keys}`}}\n${more}`;
  const methods = [...conf.matchAll(/method: (\w+)/g)].map(([, name]) => `export function ${name}() {}\n`);
  const found = await warned({ conf, pipelines: { "tasks.ts": `${methods.join("")}${pipelines}` } });
  return found.map((line) => line.split(" ")[0] ?? "");
}

describe("a task that no trigger reaches", () => {
  it.each([
    ["by itself", "callable: false", "", ""],
    ["with tasks below it", "callable: false, downstream: b", "  b: {method: b}\n", ""],
    ["whose name is part of another text", "callable: false", "", 'export const other = "ab";'],
  ])("a task that no trigger reaches is warned about: %s", async (_, keys, more, pipelines) => {
    expect(await codesFor(keys, more, pipelines)).toEqual(["PEACH721"]);
  });

  it.each([
    ["by the API", "", "", ""],
    ["by a schedule", 'callable: false, schedule: "0 3 * * *"', "", ""],
    ["by an event", "callable: false, on: {event: happened}", "", ""],
    ["by an upload", "callable: false, on: {r2: {bucket: uploads}}", "", ""],
    ["by failed runs", "callable: false", "on_failure: a\n", ""],
    ["by a task above it", "callable: false", "  b: {method: b, downstream: a}\n", ""],
    ["by a method that names it", "callable: false", "", 'export const next = () => trigger("a");'],
  ])("a task is reached %s", async (_, keys, more, pipelines) => {
    expect(await codesFor(keys, more, pipelines)).toEqual([]);
  });
});

describe("retries of an external task", () => {
  it("retries of an external task are warned about where they are written", async () => {
    expect(await codesFor("external: true, retries: 2")).toEqual(["PEACH722"]);
    expect(await codesFor("external: true, retries: {limit: 1, delay: 1m}")).toEqual(["PEACH722"]);
    expect(await codesFor("external: true, retries: 0")).toEqual([]);
    expect(await codesFor("external: true")).toEqual([]);
    expect(await codesFor("external: true", "defaults: {retries: 5}\n")).toEqual([]);
    expect(await codesFor("retries: 2")).toEqual([]);
  });
});

describe("two schedules that meet", () => {
  it.each([
    ["one within the other", '["0 3 * * *", "0 3 1 * *"]'],
    ["in two zones", '["0 3 * * *", {cron: "0 4 * * *", timezone: Europe/Zurich}]'],
    ["once in four years", '["0 0 29 2 *", "0 0 * 2 4"]'],
    ["steps without a common divisor", '["*/7 * * * *", "*/11 * * * *"]'],
  ])("two schedules that meet are warned about: %s", async (_, schedule) => {
    expect(await codesFor(`schedule: ${schedule}`)).toEqual(["PEACH724"]);
  });

  it.each([
    ["at other hours", '["0 3 * * *", "0 4 * * *"]'],
    ["on other days", '["0 3 1-15 * *", "0 3 16-31 * *"]'],
    ["with other payloads", '[{cron: "0 3 * * *", payload: 1}, {cron: "0 3 * * *", payload: 2}]'],
    ["never, odd and even", '["0-59/2 * * * *", "1-59/2 * * * *"]'],
  ])("two schedules may be due %s", async (_, schedule) => {
    expect(await codesFor(`schedule: ${schedule}`)).toEqual([]);
  });
});

describe("a debounce under a steady source", () => {
  it.each([
    ["events", "on: {event: happened}, debounce: {delay: 10s}"],
    ["uploads", "on: {r2: {bucket: uploads}}, debounce: {delay: 10s}"],
    ["a fast schedule", 'schedule: "* * * * *", debounce: {delay: 2m}'],
    ["a fast schedule, of one key", 'schedule: "* * * * *", debounce: {delay: 2m, key: payload.cron}'],
  ])("a debounce under a steady source is warned about: %s", async (_, keys) => {
    expect(await codesFor(keys)).toEqual(["PEACH725"]);
  });

  it.each([
    ["has a longest wait", "on: {event: happened}, debounce: {delay: 10s, max_wait: 1m}"],
    ["has a key", "on: {event: happened}, debounce: {delay: 10s, key: payload.id}"],
    ["is triggered by calls only", "debounce: {delay: 10s}"],
    ["is shorter than its schedule", 'schedule: "*/5 * * * *", debounce: {delay: 10s}'],
    ["has nights", 'schedule: "* 8-18 * * *", debounce: {delay: 5m}'],
    ["has weekends", 'schedule: "* * * * MON-FRI", debounce: {delay: 5m}'],
    ["has a gap in each hour", 'schedule: "0-50 * * * *", debounce: {delay: 5m}'],
    ["is as long as its schedule", 'schedule: "* * * * *", debounce: {delay: 1m}'],
  ])("a debounce is right that %s", async (_, keys) => {
    expect(await codesFor(keys)).toEqual([]);
  });
});

describe("a secret that no file provides", () => {
  const conf = `endpoints:
  one: {method: handle, auth: {signature: github, secret: SECRET_OF_ONE}}
  two: {method: handle, auth: {signature: github, secret: SECRET_OF_ONE}, url: /two}
`;

  it("a secret that no file provides is warned about once", async () => {
    expect(await warned({ conf })).toEqual(["PEACH723 peach.conf:2"]);
  });

  it.each([
    [".dev.vars", "SECRET_OF_ONE=x\n", ""],
    [".dev.vars.example", "# A comment\nexport SECRET_OF_ONE=\n", ""],
    ["the variables of wrangler.toml", "", '[vars]\nSECRET_OF_ONE = "x"\n'],
    ["the variables of an environment", "", '[env.production.vars]\nSECRET_OF_ONE = "x"\n'],
    ["the declared secrets", "", '[secrets]\nrequired = ["SECRET_OF_ONE"]\n'],
    ["a secret store", "", '[[secrets_store_secrets]]\nbinding = "SECRET_OF_ONE"\nstore_id = "s"\nsecret_name = "n"\n'],
  ])("a secret is provided by %s", async (file, text, wrangler) => {
    const left = await withProject({ conf, wrangler }, (paths, folder) => {
      if (file.startsWith(".")) writeFileSync(join(folder, file), text);
      return lintProject(checkProject(paths), paths).map(({ code }) => code);
    });
    expect(left).toEqual([]);
  });
});
