/**
 * Serves a local runtime's worker, as `wrangler dev` does: by Miniflare, with what the runtime's configuration binds. It starts in a
 * third of the time; what wrangler adds (its proxy before the worker, taking over a new bundle) is shown by tests that start wrangler.
 *
 * Usage: node serve.ts CONFIG PORT STATE_FOLDER
 */
import { flushCompileCache } from "node:module";
import { dirname, join } from "node:path";
import { readFileSync } from "node:fs";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { z } from "zod";

const [configPath = "", port = "", stateFolder = ""] = process.argv.slice(2);

const consumer = z.object({
  queue: z.string(),
  max_batch_size: z.number(),
  max_batch_timeout: z.number(),
  max_retries: z.number(),
  retry_delay: z.number(),
  dead_letter_queue: z.string().optional(),
});

/** All that wrangler.toml uses: what is new there is refused, so that nothing is silently not served. */
const CONFIG = z.strictObject({
  name: z.string(),
  main: z.string(),
  compatibility_date: z.string(),
  vars: z.record(z.string(), z.string()),
  version_metadata: z.object({ binding: z.string() }),
  migrations: z.array(z.strictObject({ tag: z.string(), new_sqlite_classes: z.array(z.string()) })),
  ratelimits: z.array(
    z.object({
      name: z.string(),
      namespace_id: z.string(),
      simple: z.object({ limit: z.number(), period: z.union([z.literal(10), z.literal(60)]) }),
    }),
  ),
  r2_buckets: z.array(z.object({ binding: z.string(), bucket_name: z.string() })),
  kv_namespaces: z.array(z.object({ binding: z.string() })),
  queues: z.object({
    producers: z.array(z.object({ binding: z.string(), queue: z.string() })),
    consumers: z.array(consumer),
  }),
  // Of a bundle, or of a deployment, only.
  keep_names: z.boolean(),
  no_bundle: z.boolean(),
  find_additional_modules: z.boolean(),
  observability: z.unknown(),
});

const config = CONFIG.parse(JSON.parse(readFileSync(configPath, "utf8")));
const withStorage = new Set(config.migrations.flatMap(({ new_sqlite_classes }) => new_sqlite_classes));

const runtime = new Miniflare(
  convertV4MiniflareOptions({
    host: "127.0.0.1",
    port: Number(port),
    inspectorPort: 0,
    unsafeTriggerHandlers: true,
    logRequests: false,
    log: new Log(LogLevel.WARN),
    handleStructuredLogs: ({ message }) => console.log(message),
    // Where wrangler would have it.
    resourcePersistencePath: join(stateFolder, "v3"),
    workers: [
      {
        name: config.name,
        rootPath: dirname(config.main),
        modules: [{ type: "ESModule", path: config.main }],
        modulesRoot: dirname(config.main),
        compatibilityDate: config.compatibility_date,
        bindings: config.vars,
        versionMetadata: config.version_metadata.binding,
        // The worker reaches its classes by its exports: no binding names them.
        additionalUnboundDurableObjects: [...withStorage].map((className) => ({ className, useSQLite: true })),
        ratelimits: Object.fromEntries(config.ratelimits.map((limit) => [limit.name, limit])),
        r2Buckets: Object.fromEntries(config.r2_buckets.map(({ binding, bucket_name }) => [binding, bucket_name])),
        kvNamespaces: config.kv_namespaces.map(({ binding }) => binding),
        queueProducers: Object.fromEntries(
          config.queues.producers.map(({ binding, queue: queueName }) => [binding, { queueName }]),
        ),
        queueConsumers: Object.fromEntries(
          config.queues.consumers.map((one) => [
            one.queue,
            {
              maxBatchSize: one.max_batch_size,
              maxBatchTimeout: one.max_batch_timeout,
              maxRetries: one.max_retries,
              retryDelay: one.retry_delay,
              ...(one.dead_letter_queue !== undefined && { deadLetterQueue: one.dead_letter_queue }),
            },
          ]),
        ),
      },
    ],
  }),
);
await runtime.ready;
// A test ends this process by a kill, before Node would write its cache of compiled files.
flushCompileCache();
