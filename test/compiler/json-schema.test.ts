import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { confSchema } from "../../src/compiler/schema.ts";
import { markedIn } from "./json-schema.ts";
import { problemsOf, REPO_ROOT } from "./project.ts";

const CONFS = globSync(["peach.conf.example", "{templates,test,scripts}/**/peach.conf"], { cwd: REPO_ROOT });

/** Each has one mistake that an editor marks, and `peach check` reports. */
const BROKEN: Readonly<Record<string, string>> = {
  "an unknown key at the top": "colour: red\ntasks: {t: {method: a}}",
  "an unknown key of a task": "tasks: {t: {method: a, retrys: 3}}",
  "an unknown key of an endpoint": "endpoints: {t: {method: a, downstream: t}}",
  "an unknown key of a rule": "tasks: {t: {method: a, on: {r2: {bucket: uploads, folder: x}}}}",
  "a task without a method": "tasks: {t: {timeout: 1m}}",
  "no tasks in tasks": "tasks: {}",
  "a name with a space": "tasks: {a b: {method: a}}",
  "a name of 65 letters": `tasks: {${"t".repeat(65)}: {method: a}}`,
  "a duration without a unit": "retention: 30\ntasks: {t: {method: a}}",
  "a duration in weeks": "retention: 4w\ntasks: {t: {method: a}}",
  "a size in small letters": "inline_limit: 32kb\ntasks: {t: {method: a}}",
  "a word that run_if does not have": "tasks: {t: {method: a, run_if: all_good}}",
  "101 retries": "tasks: {t: {method: a, retries: 101}}",
  "half a retry": "tasks: {t: {method: a, retries: {limit: 0.5}}}",
  "a priority above 100": "tasks: {t: {method: a, priority: 101}}",
  "each: false": "tasks: {t: {method: a, each: false}}",
  "a flag as a text": 'tasks: {t: {method: a, external: "yes"}}',
  "a method that is no identifier": "tasks: {t: {method: a-b}}",
  "a schedule without a cron": "tasks: {t: {method: a, schedule: {timezone: UTC}}}",
  "a limit without its window": "tasks: {t: {method: a, rate_limit: {limit: 3}}}",
  "the secret itself": "endpoints: {e: {method: a, auth: {signature: stripe, secret: whsec_abc}}}",
  "a signature that nobody has": "endpoints: {e: {method: a, auth: {signature: gitlab, secret: S}}}",
  "a parameter of no type": "endpoints: {e: {components: {x: a}, params: {user: text}}}",
  "a split by nobody": "endpoints: {e: {components: {x: a}, split: {by: country}}}",
  "no components in components": "endpoints: {e: {components: {}}}",
  "a component with a weight below 0": "endpoints: {e: {components: {x: {method: a, weight: -1}}}}",
  "a method and components": "endpoints: {e: {method: a, components: {x: a}}}",
  "an endpoint with neither method nor components": "endpoints: {e: {url: /e}}",
  "a url without a slash": "endpoints: {e: {method: a, url: hooks}}",
  "a method of HTTP in small letters": "endpoints: {e: {method: a, methods: [post]}}",
};

describe("the JSON Schema of peach.conf", () => {
  it("the JSON Schema of peach.conf is looked for in more confs than those of the templates", () => {
    expect(CONFS.length).toBeGreaterThan(15);
  });

  it.each(CONFS)("the JSON Schema of peach.conf marks nothing in %s", (path) => {
    expect(markedIn(readFileSync(join(REPO_ROOT, path), "utf8"))).toEqual([]);
  });

  it.each(Object.entries(BROKEN))("the JSON Schema of peach.conf marks %s, as the check does", async (_what, conf) => {
    expect(markedIn(conf)).not.toEqual([]);
    expect(await problemsOf(conf)).not.toBe("");
  });

  it("the JSON Schema of peach.conf describes every key", () => {
    const keys = keysOf(confSchema(), "");
    expect(keys.length).toBeGreaterThan(80);
    expect(keys.filter(({ description }) => !/^[A-Z`].{10,}\.$/.test(description))).toEqual([]);
  });

  it.each(["peach.conf.example", ...globSync("templates/*/peach.conf", { cwd: REPO_ROOT })])(
    "the JSON Schema of peach.conf is named by the first line of %s",
    (path) => {
      const [line] = readFileSync(join(REPO_ROOT, path), "utf8").split("\n");
      expect(line).toBe("# yaml-language-server: $schema=./src/generated/peach.schema.json");
    },
  );
});

const PROPERTIES = z.record(z.string(), z.looseObject({ description: z.string().default("") }));

/** Every key at any depth, with its description. */
function keysOf(schema: unknown, path: string): { key: string; description: string }[] {
  if (typeof schema !== "object" || schema === null) return [];
  return Object.entries(schema).flatMap(([word, inner]) => {
    if (word !== "properties") return keysOf(inner, path);
    return Object.entries(PROPERTIES.parse(inner)).flatMap(([name, value]) => {
      const key = `${path}.${name}`;
      return [{ key, description: value.description }, ...keysOf(value, key)];
    });
  });
}

/** The keys below a schema that lack a description, or that show no value: by a default, examples or a list. */
function incompleteKeys(path: string, schema: unknown): string[] {
  const part = PART.safeParse(schema);
  if (!part.success) return [];
  const { properties = {}, additionalProperties, anyOf = [], items } = part.data;
  const own = Object.entries(properties).flatMap(([key, inner]) => {
    const { description = "", default: assumed, examples, enum: words } = PART.parse(inner);
    const shows = assumed ?? examples ?? words ?? /default/i.exec(description);
    const isComplete = description !== "" && shows !== undefined && shows !== null;
    return [...(isComplete ? [] : [`${path}.${key}`]), ...incompleteKeys(`${path}.${key}`, inner)];
  });
  const below = [...anyOf, additionalProperties, items].flatMap((one) => incompleteKeys(path, one));
  return [...own, ...below];
}

const PART = z.looseObject({
  properties: z.record(z.string(), z.unknown()).optional(),
  additionalProperties: z.unknown().optional(),
  anyOf: z.array(z.unknown()).optional(),
  items: z.unknown().optional(),
  description: z.string().optional(),
  default: z.unknown().optional(),
  examples: z.array(z.unknown()).optional(),
  enum: z.array(z.unknown()).optional(),
});

it("the schema of peach.conf describes every key, and shows a default, an example or the words of each", () => {
  expect(incompleteKeys("peach.conf", confSchema())).toEqual([]);
});
