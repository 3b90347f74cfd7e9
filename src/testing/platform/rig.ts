/**
 * A whole deployment of a worker on the simulated platform, with a small interface to drive the
 * deployment: requests (`request`), uploads (`upload`), and time (`run`). Several releases can be
 * deployed side by side.
 */
import type { Plan } from "../../domain/plan/plan.ts";
import type { Dice } from "../ground/dice.ts";
import type { Ground } from "../ground/ground.ts";
import { Bucket } from "./bucket.ts";
import { Edge } from "./edge.ts";
import type { WorkerCode } from "./worker-code.ts";
import type { Isolate, Release } from "./isolate.ts";
import type { Life } from "./life.ts";
import type { ObjectHost, Performed } from "./object-host.ts";
import { Platform } from "./platform.ts";
import { Queue } from "./queue.ts";
import { workerOf, type Client } from "./worker-face.ts";

/** The classes of objects in the migrations of wrangler.toml. */
const OBJECTS = [
  "RunObject",
  "ExecutorObject",
  "DeliveriesObject",
  "DeadLettersObject",
  "SchedulesObject",
  "DebounceObject",
  "LimitObject",
  "LimitListObject",
  "PausesObject",
  "ObjectVersionsObject",
  "DeathsObject",
  "CatalogObject",
  "TaskDirectoryObject",
  "IdentityObject",
  "AuditObject",
  "VectorsObject",
] as const;

/** Functions of pipelines by name. */
export type Methods = Readonly<Record<string, (payload: unknown, task: unknown) => unknown>>;

/** Makes a release from code, plan and methods. `methods` is called once for each isolate. */
export function releaseOf(
  name: string,
  code: WorkerCode,
  plan: Plan,
  methods: (isolate: Isolate) => Methods,
  variables: Readonly<Record<string, unknown>> = {},
  registry: (isolate: Isolate) => object = (isolate) => ({
    tasks: methods(isolate),
    endpoints: {},
  }),
): Release {
  return {
    name,
    code,
    variables,
    generated: (isolate) => ({
      "#generated/plan": { plan },
      "#generated/registry": { registry: registry(isolate) },
      "#generated/dashboard": {},
    }),
  };
}

export interface RigSettings {
  /** Draws durations. Default: the dice of the seed. */
  readonly dice?: Dice;
  /** Names of buckets by binding, without the bucket of payloads. Default: UPLOADS. */
  readonly buckets?: Readonly<Record<string, string>>;
  /** Further bindings, as a life uses them. */
  readonly bindings?: Readonly<Record<string, (life: Life) => unknown>>;
  readonly ground: Ground;
  readonly seed: number;
  readonly first: Release;
  /** The skew of the clock of an object, by class and name, in milliseconds. */
  readonly skewOf?: (label: string) => number;
  readonly committed?: (host: ObjectHost, performed: readonly Performed[]) => void;
  readonly alarmGivenUp?: (host: ObjectHost) => void;
  /** Tests if the object refuses the call of this method. */
  readonly refuses?: (host: ObjectHost, method: string) => boolean;
  /** Reports the arrival of a call at an object. */
  readonly called?: (host: ObjectHost, method: string, given: readonly unknown[]) => void;
}

/** The bucket and the metadata of an upload. */
interface UploadOptions {
  readonly bucket?: string;
  readonly httpMetadata?: object;
}

export class Rig {
  readonly platform: Platform;
  readonly edge: Edge;
  readonly payloads: Bucket;
  /** The buckets of the project by binding, without the bucket of payloads. */
  readonly buckets: ReadonlyMap<string, Bucket>;
  readonly queues: { readonly runs: Queue; readonly r2Events: Queue; readonly deadLetters: Queue };
  #requests = 0;

  constructor(settings: RigSettings) {
    const { ground, seed, first, skewOf, committed, alarmGivenUp, refuses, called } = settings;
    this.platform = new Platform(ground, seed, settings.dice);
    this.payloads = new Bucket(this.platform, "peach-payloads");
    const { buckets = { UPLOADS: "uploads" }, bindings = {} } = settings;
    this.buckets = new Map(
      Object.entries(buckets).map(([binding, name]) => [binding, new Bucket(this.platform, name)]),
    );
    const deadLetters = this.#queue("peach-dead-letters", 100, 60, null);
    this.queues = {
      deadLetters,
      runs: this.#queue("peach-runs", 20, 2, deadLetters),
      r2Events: this.#queue("peach-r2-events", 50, 5, deadLetters),
    };
    this.edge = new Edge(this.platform, {
      first,
      objects: OBJECTS,
      bindings: {
        PAYLOADS: (life) => this.payloads.boundTo(life),
        ...Object.fromEntries(
          Array.from(this.buckets, ([binding, bucket]) => [
            binding,
            (life: Life) => bucket.boundTo(life),
          ]),
        ),
        ...bindings,
        RUN_QUEUE: (life) => this.queues.runs.boundTo(life),
        R2_EVENT_QUEUE: (life) => this.queues.r2Events.boundTo(life),
        DEAD_LETTER_QUEUE: (life) => this.queues.deadLetters.boundTo(life),
      },
      skewOf: (label) => skewOf?.(label) ?? 0,
      committed: (host, performed) => committed?.(host, performed),
      alarmGivenUp: (host) => alarmGivenUp?.(host),
      refuses: (host, method) => refuses?.(host, method) ?? false,
      called: (host, method, given) => called?.(host, method, given),
      // Only runs are called again from outside. The alarms of other objects, and of the rest of a
      // deleted run, must not be given up.
      mayGiveUp: ({ className, storage }) =>
        className === "RunObject" && storage.tables.has("journal"),
    });
  }

  /**
   * Sends a request to the worker. `work` runs as the handler. Resolves to the answer. Rejects with
   * the handler's error, or if the invocation dies before the answer.
   */
  request<T>(name: string, work: (client: Client) => Promise<T>): Promise<T> {
    const { edge, platform } = this;
    const life = edge.begin(`${name} ${++this.#requests}`);
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    life.onDeath(() => reject(new RequestDied(life.name)));
    platform.after(life, 0, () => {
      const worker = workerOf(life.isolate.exports);
      const [bindings, ctx] = [edge.envOf(life), edge.contextOf(life)];
      const handler = (dependencies: Client["dependencies"], env: object): Promise<T> =>
        work({ worker, dependencies, env, ctx, life });
      life.pending += 1;
      const answered = (settle: () => void): void => {
        life.pending -= 1;
        if (!life.alive) return;
        edge.answered(life);
        settle();
        life.endIfIdle();
      };
      const call = async (): Promise<void> => {
        const answer = await worker.handlers.fetch(handler, bindings, ctx);
        answered(() => resolve(answer));
      };
      call().catch((error: unknown) =>
        answered(() => reject(error instanceof Error ? error : new Error(String(error)))),
      );
    });
    return promise;
  }

  /** Fires the cron trigger of the worker. */
  scheduled(): void {
    const life = this.edge.begin("cron");
    this.platform.after(life, 0, () => {
      const worker = workerOf(life.isolate.exports);
      void worker.handlers
        .scheduled({ cron: "*/5 * * * *" }, this.edge.envOf(life), this.edge.contextOf(life))
        .catch((error: unknown) => this.platform.thrown(life, "scheduled", error))
        .finally(() => life.end());
    });
  }

  /**
   * Stores an object and sends the notification of R2, `told` times. Throws if no bucket has the
   * name.
   */
  upload(
    key: string,
    bytes: Uint8Array<ArrayBuffer>,
    told = 1,
    { bucket: name = "uploads", httpMetadata = {} }: UploadOptions = {},
  ): void {
    const bucket = [...this.buckets.values()].find((one) => one.name === name);
    if (bucket === undefined) throw new Error(`no bucket is called ${name}`);
    const { etag, uploaded } = bucket.store(key, bytes, { httpMetadata });
    for (let copy = 0; copy < told; copy += 1)
      this.queues.r2Events.take({
        account: "simulated",
        action: "PutObject",
        bucket: bucket.name,
        object: { key, size: bytes.length, eTag: etag },
        eventTime: uploaded.toISOString(),
      });
  }

  /** Waits in the running life. No fault strikes the wait. */
  wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.platform.setTimer(resolve, ms, null);
    });
  }

  /** Ends the world, and gives back the databases. */
  close(): void {
    for (const host of this.edge.hosts) host.storage.close();
  }

  /** Returns every object of a class, past and present. */
  objects(className: (typeof OBJECTS)[number]): ObjectHost[] {
    return [...this.edge.hosts].filter((host) => host.className === className);
  }

  #queue(
    name: string,
    maxRetries: number,
    retryDelaySeconds: number,
    deadLetters: Queue | null,
  ): Queue {
    return new Queue(
      this.platform,
      { name, maxBatchSize: 10, maxRetries, retryDelaySeconds, deadLetters },
      () => this.edge.begin(`consumer of ${name} ${++this.#requests}`),
      (life: Life, batch: object) =>
        workerOf(life.isolate.exports).handlers.queue(
          batch,
          this.edge.envOf(life),
          this.edge.contextOf(life),
        ),
    );
  }
}

/** The error of a client whose request died: a broken connection. */
export class RequestDied extends Error {
  constructor(name: string) {
    super(`${name} died`);
  }
}
