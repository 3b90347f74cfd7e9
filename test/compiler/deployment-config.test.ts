/**
 * What Cloudflare runs the worker with, held against what the worker needs: a queue without its consumer, or an object without its
 * migration, deploys without a word.
 */
import { readFileSync } from "node:fs";
import { parse } from "smol-toml";
import { describe, expect, it } from "vitest";
import { z } from "zod";

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

const CONFIG = z
  .object({
    main: z.string(),
    build: z.object({ command: z.string(), watch_dir: z.array(z.string()) }).optional(),
    triggers: z.object({ crons: z.array(z.string()) }).optional(),
    durable_objects: z.unknown().optional(),
    migrations: z.array(z.object({ new_sqlite_classes: z.array(z.string()) })),
    queues: z.object({
      producers: z.array(z.object({ binding: z.string(), queue: z.string() })),
      consumers: z.array(
        z.object({
          queue: z.string(),
          max_retries: z.number(),
          retry_delay: z.number(),
          dead_letter_queue: z.string().optional(),
        }),
      ),
    }),
  })
  .parse(parse(read("wrangler.toml")));
const { producers, consumers } = CONFIG.queues;
const WORKER = read(CONFIG.main);
/** The handlers and classes that the entry passes on. */
const WIRED = read("src/worker/worker.ts");
const OBJECTS = read("src/worker/deployed-objects.ts");

describe("wrangler deploy", () => {
  it("wrangler deploy compiles peach.conf before it bundles, and again when it or the code changes", () => {
    const { scripts } = z.object({ scripts: z.record(z.string(), z.string()) }).parse(JSON.parse(read("package.json")));
    expect(CONFIG.build).toEqual({ command: "npm run compile", watch_dir: ["src", "peach.conf"] });
    expect(scripts["compile"]).toContain("src/cli/bin/compile.ts");
  });

  it("wrangler deploy sets up a look every five minutes whether the alarm of the schedules is set", () => {
    expect(WORKER).toContain(`export default createPeach({ plan, methods });`);
    expect(WIRED).toContain("async scheduled(");
    expect(CONFIG.triggers).toEqual({ crons: ["*/5 * * * *"] });
  });

  it("wrangler deploy makes each object that the worker exports, by a migration, and binds none", () => {
    const exported = [...OBJECTS.matchAll(/^export class (\w+Object) /gm)].map(([, name = ""]) => name);
    expect(exported.length).toBeGreaterThan(10);
    const made = CONFIG.migrations.flatMap((migration) => migration.new_sqlite_classes);
    expect(made.toSorted()).toEqual(exported.toSorted());
    expect(CONFIG.durable_objects).toBeUndefined();
  });
});

describe("the queues", () => {
  it("the queues are those that the worker sends to, and it consumes each of them", () => {
    expect(Object.fromEntries(producers.map(({ binding, queue }) => [binding, queue]))).toEqual({
      RUN_QUEUE: "peach-runs",
      R2_EVENT_QUEUE: "peach-r2-events",
      DEAD_LETTER_QUEUE: "peach-dead-letters",
    });
    expect(consumers.map(({ queue }) => queue).toSorted()).toEqual(producers.map(({ queue }) => queue).toSorted());
  });

  it("the queues keep what they have given up: all of it goes to dead letters, which have nowhere to go themselves", () => {
    expect(Object.fromEntries(consumers.map((consumer) => [consumer.queue, consumer.dead_letter_queue]))).toEqual({
      "peach-runs": "peach-dead-letters",
      "peach-r2-events": "peach-dead-letters",
      "peach-dead-letters": undefined,
    });
  });

  it("the queues give dead letters an hour and a half at least until they are recorded, since they are dropped then", () => {
    const letters = consumers.find(({ queue }) => queue === "peach-dead-letters");
    expect((letters?.max_retries ?? 0) * (letters?.retry_delay ?? 0)).toBeGreaterThanOrEqual(90 * 60);
  });
});
