import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { checkProject } from "../../src/compiler/compile.ts";
import { problemsOf, REPO_ROOT, withProject } from "./project.ts";

const CONF = "tasks:\n  t: {method: a}\n";
const TEMPLATE = readFileSync(join(REPO_ROOT, "templates/webhook/wrangler.toml"), "utf8").replaceAll(
  "my-pipelines",
  "news",
);

/** What the check says of the template's wrangler.toml without a piece of it. */
function without(piece: string): Promise<string> {
  expect(TEMPLATE).toContain(piece);
  return problemsOf(CONF, { wrangler: TEMPLATE.replace(piece, "") });
}

describe("the check of what the worker needs of wrangler.toml", () => {
  it("the check of what the worker needs of wrangler.toml has nothing to say of the template's and of the clone's", async () => {
    expect(await problemsOf(CONF, { wrangler: TEMPLATE })).toBe("");
    expect(await problemsOf(CONF, { wrangler: readFileSync(join(REPO_ROOT, "wrangler.toml"), "utf8") })).toBe("");
  });

  it("the check of what the worker needs of wrangler.toml names the classes that no migration makes, with the lines that upgrade adds", async () => {
    const problems = await without('"AuditObject", "DeathsObject"');
    expect(problems).toContain("wrangler.toml:1:1: no migration makes the object classes AuditObject, DeathsObject");
    expect(problems).toContain("`npx peach upgrade` adds these lines:");
    expect(problems).toContain('tag = "v4"');
    expect(problems).toContain('new_sqlite_classes = ["AuditObject", "DeathsObject"]');
  });

  it("the check of what the worker needs of wrangler.toml names the bucket of payloads that is not bound", async () => {
    const problems = await without('[[r2_buckets]]\nbinding = "PAYLOADS"\nbucket_name = "news-payloads"\n');
    expect(problems).toContain("no R2 bucket is bound as PAYLOADS");
    expect(problems).toContain('bucket_name = "news-payloads"');
  });

  it("the check of what the worker needs of wrangler.toml names the queue that is not bound", async () => {
    const problems = await without('[[queues.producers]]\nbinding = "RUN_QUEUE"\nqueue = "news-runs"\n');
    expect(problems).toContain("no queue is bound as RUN_QUEUE");
    expect(problems).toContain('queue = "news-runs"');
    expect(problems).not.toContain("consumer");
  });

  it("the check of what the worker needs of wrangler.toml names the queue that nobody consumes", async () => {
    const problems = await without('[[queues.consumers]]\nqueue = "news-r2-events"');
    expect(problems).toContain("the queue news-r2-events of R2_EVENT_QUEUE has no consumer");
    expect(problems).toContain('dead_letter_queue = "news-dead-letters"');
  });

  it.each(["wrangler.json", "wrangler.jsonc"])(
    "the check of what the worker needs of wrangler.toml refuses %s, which wrangler prefers to wrangler.toml",
    async (name) => {
      await withProject({ conf: CONF, wrangler: TEMPLATE }, (paths) => {
        writeFileSync(join(dirname(paths.wranglerPath), name), "{}\n");
        const messages = checkProject(paths).diagnostics.map(({ message }) => message);
        expect(messages).toEqual([`wrangler deploys by ${name}, which Peach does not read`]);
      });
    },
  );
});
