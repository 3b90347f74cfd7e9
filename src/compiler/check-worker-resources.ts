/**
 * Compares wrangler.toml with what the installed worker needs: a class without a migration, or a
 * queue without a consumer, fails after the deployment only.
 */
import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { parse } from "smol-toml";
import type { Report } from "./diagnostic.ts";
import { displayPath, PACKAGE_ROOT } from "./project-paths.ts";
import { readText } from "./read-file.ts";
import type { SourceFile } from "./source.ts";
import { classesIn, migrationOf } from "./wrangler-migrations.ts";
import { queuesOf, tablesIn, type WranglerConfig } from "./wrangler-config.ts";

/** The name of the worker in the template, with which the names of its resources begin. */
const TEMPLATE_NAME = "my-pipelines";

/** Files that wrangler reads in place of wrangler.toml. */
export const OTHER_FORMATS = ["wrangler.json", "wrangler.jsonc"];

/** Reports a configuration in a format that Peach does not read. */
export function checkWranglerFormat(wranglerPath: string, report: Report): void {
  for (const name of OTHER_FORMATS) {
    const path = join(dirname(wranglerPath), name);
    if (!existsSync(path)) continue;
    report(
      "PEACH502",
      { source: { path: displayPath(path), text: readText(path) ?? "" }, start: 0, end: 0 },
      `wrangler deploys by ${name}, which Peach does not read`,
      { hint: `write its content as ${basename(wranglerPath)}, and delete ${name}` },
    );
  }
}

/**
 * Reports object classes, queues and the bucket of payloads that wrangler.toml lacks, with the
 * lines to add. A file without `main` deploys no worker, and needs none of them.
 */
export function checkWorkerResources(
  config: WranglerConfig,
  wrangler: SourceFile,
  report: Report,
): void {
  // Wrangler deploys assets alone without `main`.
  if (typeof config["main"] !== "string") return;
  const name = typeof config["name"] === "string" ? config["name"] : TEMPLATE_NAME;
  // The template has every resource of the worker, under names that begin with the worker's name.
  const needed = parse(
    (readText(join(PACKAGE_ROOT, "templates/webhook/wrangler.toml")) ?? "").replaceAll(
      `"${TEMPLATE_NAME}-`,
      `"${name}-`,
    ),
  );
  const at = { source: wrangler, start: 0, end: 0 };
  const { made, tags } = classesIn(config["migrations"]);
  // Order and tags of migrations are the project's own.
  const missing = classesIn(needed["migrations"]).made.filter((one) => !made.includes(one));
  if (missing.length > 0)
    report(
      "PEACH507",
      at,
      `no migration makes the object class${missing.length === 1 ? "" : "es"} ${missing.join(", ")}`,
      {
        hint: `\`npx peach upgrade\` adds these lines:\n${migrationOf(tags, missing)}`,
      },
    );
  const lacks = (what: string, lines: string): void =>
    report("PEACH507", at, what, { hint: `add these lines:\n${lines}` });
  const bound = tablesIn(config["r2_buckets"]).map(({ binding }) => binding);
  for (const { binding, bucket_name: bucket } of tablesIn(needed["r2_buckets"])) {
    if (bound.includes(binding)) continue;
    const lines = { binding, bucket_name: bucket };
    lacks(`no R2 bucket is bound as ${String(binding)}`, tableText("r2_buckets", lines));
  }
  const own = queuesOf(config);
  const theirs = queuesOf(needed);
  for (const producer of theirs.producers) {
    const { binding } = producer;
    const given = own.producers.find((one) => one["binding"] === binding);
    if (given === undefined)
      lacks(`no queue is bound as ${String(binding)}`, tableText("queues.producers", producer));
    // A project may give the queue a name of its own: the binding decides.
    const queue = given?.["queue"] ?? producer["queue"];
    if (own.consumers.some((one) => one["queue"] === queue)) continue;
    const consumer = theirs.consumers.find((one) => one["queue"] === producer["queue"]);
    lacks(
      `the queue ${String(queue)} of ${String(binding)} has no consumer`,
      tableText("queues.consumers", { ...consumer, queue }),
    );
  }
}

/** Writes a table of an array of tables. JSON and TOML write texts and numbers alike. */
function tableText(name: string, table: WranglerConfig): string {
  const lines = Object.entries(table).map(([key, value]) => `${key} = ${JSON.stringify(value)}`);
  return [`[[${name}]]`, ...lines].join("\n");
}
