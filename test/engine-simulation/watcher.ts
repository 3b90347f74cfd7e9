/**
 * Reads every run after each commit of its object, as users see the run (`RunDocument`). Compares the run with its
 * earlier state and passes it to the checks. Knows nothing of the way in which the engine keeps runs.
 */
import { parseRunId, type RunId } from "../../src/domain/ids.ts";
import type { ItemDocument, ItemPage, RunDocument } from "../../src/objects/run/run-documents-rpc.ts";
import type { NewPayload } from "../../src/domain/payload.ts";
import { heardIn, type Heard } from "./checks/events-check.ts";
import type { Ground } from "../../src/testing/ground/ground.ts";
import { carriedIn, type Carried } from "./payloads.ts";
import type { Bucket } from "../../src/testing/platform/bucket.ts";
import type { ObjectHost, Performed } from "../../src/testing/platform/object-host.ts";

/** A run, as it was seen last. */
export interface Seen {
  readonly runId: RunId;
  readonly host: ObjectHost;
  /** Which of the runs that had this id, one after the other. */
  readonly generation: number;
  run: RunDocument;
  /** What triggered it, as it was when its root began at the latest; null: nothing of ours. */
  carried: Carried | null;
  /** Of its `each` tasks that have ended. */
  readonly items: Map<string, readonly ItemDocument[]>;
  /** By the scheduler. */
  readonly firstSeenAt: number;
  finalAt: number | null;
  /** How many attempts each task had, by name, when it was retried in place last. */
  retriedAfter: ReadonlyMap<string, number>;
  retries: number;
  /** Whether somebody has had it go on just before it was seen last; it may have ended again at once. */
  isRetried: boolean;
  /** How often it has failed. */
  failures: number;
  /** Whether it is gone. */
  gone: boolean;
}

/** What is told of each run that has changed. */
export interface Watching {
  recorded(seen: Seen): void;
  changed(seen: Seen, before: RunDocument): void;
  forgotten(seen: Seen): void;
  /** What a listener hears that comes back. */
  heard(run: RunDocument, heard: Heard): void;
}

/** Up to this position of the journal a listener has heard it before it went away. */
const HEARD = 2;

/** A listener who comes back to a run that is over has heard it in far fewer. */
const MOST_TURNS = 1_000;

const FINAL: ReadonlySet<string> = new Set(["succeeded", "failed", "cancelled", "skipped"]);

/** Whether a run, or a task, of this status has ended. */
export function isOver(status: string): boolean {
  return FINAL.has(status);
}

export class Watcher {
  readonly runs = new Map<RunId, Seen>();
  /** Those that were forgotten and took place again under the same id. */
  readonly earlier: Seen[] = [];
  readonly #ground: Ground;
  readonly #watching: Watching;
  readonly #bucket: () => Bucket;
  readonly #changed = new Set<ObjectHost>();
  /** Those that were retried in place since they were seen last. */
  readonly #retried = new Set<ObjectHost>();

  /** `bucket`: where payloads are. */
  constructor(ground: Ground, watching: Watching, bucket: () => Bucket) {
    this.#ground = ground;
    this.#bucket = bucket;
    this.#watching = watching;
  }

  /** Something of this object was committed, and these calls were answered in the same turn. */
  committed(host: ObjectHost, performed: readonly Performed[]): void {
    if (host.className !== "RunObject") return;
    this.#changed.add(host);
    if (performed.some(isRetry)) this.#retried.add(host);
  }

  /** Whether there is something to look at. */
  get hasNews(): boolean {
    return this.#changed.size > 0;
  }

  /** Looks at what has changed. */
  async look(): Promise<void> {
    for (const host of this.#changed) {
      this.#changed.delete(host);
      const run = await ask<RunDocument>(host, "describe");
      if (run === undefined) continue;
      const known = this.#known(host, run);
      const isBegun = known !== undefined && (known.run.started_at !== null || isOver(known.run.status));
      const carried = run === null || isBegun ? (known?.carried ?? null) : await this.#carried(host);
      const items = run === null ? [] : await itemsOf(host, run, known?.run ?? null);
      const before = known?.run ?? null;
      if (run !== null) await this.#passed(host, run, before);
      this.#see(host, run, carried, items);
      if (run !== null && isOver(run.status) && before !== null && !isOver(before.status)) await this.#hear(host, run);
    }
  }

  /** All that there ever were. */
  all(): Seen[] {
    return [...this.earlier, ...this.runs.values()];
  }

  /** Somebody comes back to a run that has just ended, having heard its first events only. */
  async #hear(host: ObjectHost, run: RunDocument): Promise<void> {
    const stream = await ask<ReadableStream<Uint8Array>>(host, "events", HEARD);
    if (!(stream instanceof ReadableStream)) return;
    const patience = new Patience(MOST_TURNS);
    const heard = await Promise.race([heardIn(stream), patience.over]);
    patience.end();
    if (heard === undefined) this.#ground.violate("events are true", `${run.run_id}: a listener never hears its end`);
    else this.#watching.heard(run, heard);
  }

  #known({ name }: ObjectHost, run: RunDocument | null): Seen | undefined {
    const runId = parseRunId(name);
    const known = runId === null ? undefined : this.runs.get(runId);
    return known?.gone === true || (run !== null && known?.run.created_at !== run.created_at) ? undefined : known;
  }

  /** What its tasks passed is there as soon as it says that they have succeeded, whether or not anybody reads it. */
  async #passed(host: ObjectHost, { tasks }: RunDocument, before: RunDocument | null): Promise<void> {
    for (const [index, { task, status }] of tasks.entries()) {
      if (status !== "succeeded" || before?.tasks[index]?.status === "succeeded") continue;
      const payload = await ask<NewPayload>(host, "payload", task);
      // It may have been reset just now.
      if (host.isAwake && (payload === null || this.#bytesOf(payload) === undefined))
        this.#ground.violate("6 payload before row", `${host.name}: what ${task} has passed is not there`);
    }
  }

  #bytesOf(payload: NewPayload | undefined): Uint8Array | undefined {
    return payload?.at === "r2" ? this.#bucket().objects.get(payload.key)?.bytes : payload?.bytes;
  }

  async #carried(host: ObjectHost): Promise<Carried | null> {
    const payload = await ask<NewPayload>(host, "payload", null);
    if (payload === undefined || payload === null) return null;
    const bytes = this.#bytesOf(payload);
    if (bytes === undefined)
      this.#ground.violate("6 payload before row", `${host.name}: what triggered it is not there`);
    const text = new TextDecoder().decode(bytes);
    return payload.kind === "json" && text !== "" ? carriedIn(JSON.parse(text)) : null;
  }

  #see(
    host: ObjectHost,
    run: RunDocument | null,
    carried: Carried | null,
    items: readonly (readonly [string, readonly ItemDocument[]])[],
  ): void {
    const runId = parseRunId(host.name);
    if (runId === null) return this.#ground.violate("names", `a run object is called ${host.name}`);
    const known = this.runs.get(runId);
    if (run === null) {
      if (known === undefined || known.gone) return;
      known.gone = true;
      return this.#watching.forgotten(known);
    }
    if (known === undefined || known.gone || known.run.created_at !== run.created_at) {
      if (known !== undefined) this.earlier.push(known);
      return this.#record(host, runId, run, carried, known?.generation ?? 0);
    }
    const before = known.run;
    known.run = run;
    known.isRetried = this.#retried.delete(host);
    known.carried = carried;
    for (const [task, ended] of items) known.items.set(task, ended);
    if (known.isRetried) {
      known.retries += 1;
      known.finalAt = null;
      known.retriedAfter = new Map(before.tasks.map(({ task, attempts }) => [task, attempts.length]));
    }
    this.#ended(known, before);
    this.#watching.changed(known, before);
  }

  #record(host: ObjectHost, runId: RunId, run: RunDocument, carried: Carried | null, generation: number): void {
    const seen: Seen = {
      runId,
      host,
      generation: generation + 1,
      run,
      carried,
      items: new Map(),
      firstSeenAt: this.#ground.scheduler.now,
      finalAt: null,
      retriedAfter: new Map(),
      retries: 0,
      isRetried: false,
      failures: 0,
      gone: false,
    };
    this.runs.set(runId, seen);
    this.#ended(seen, null);
    this.#watching.recorded(seen);
  }

  #ended(seen: Seen, before: RunDocument | null): void {
    if (!isOver(seen.run.status)) return;
    if (before !== null && isOver(before.status) && !seen.isRetried) return;
    seen.finalAt = this.#ground.scheduler.now;
    if (seen.run.status === "failed") seen.failures += 1;
  }
}

/** Whether a run was retried in place by this call. Nothing of its document says so where it fails again at once. */
function isRetry({ method, value }: Performed): boolean {
  return (
    method === "retry" &&
    typeof value === "object" &&
    value !== null &&
    "outcome" in value &&
    value.outcome === "retried"
  );
}

/** Waits while so much goes on as can without the platform, until nobody waits for it any more. */
class Patience {
  readonly over: Promise<undefined>;
  #isOver = false;

  constructor(turns: number) {
    this.over = this.#wait(turns);
  }

  end(): void {
    this.#isOver = true;
  }

  async #wait(turns: number): Promise<undefined> {
    for (let turn = 0; turn < turns && !this.#isOver; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }
}

/** What the object answers to this call, made within it; undefined if it sleeps, or is reset, null if it has nothing. */
async function ask<T>(host: ObjectHost, method: string, ...given: readonly unknown[]): Promise<T | null | undefined> {
  if (!host.isAwake) return undefined;
  if (host.storage.isEmpty) return null;
  // The one mapping of what an object answers.
  // oxlint-disable-next-line typescript/consistent-type-assertions
  return (await host.ask(method, given)) as T | null;
}

/** The items of the `each` tasks that have ended since the run was like `before`. */
async function itemsOf(
  host: ObjectHost,
  { tasks }: RunDocument,
  before: RunDocument | null,
): Promise<(readonly [string, readonly ItemDocument[]])[]> {
  const found: (readonly [string, readonly ItemDocument[]])[] = [];
  for (const [index, { task, status, each }] of tasks.entries()) {
    if (each === undefined || !isOver(status) || isOver(before?.tasks[index]?.status ?? "")) continue;
    const items: ItemDocument[] = [];
    for (let from: number | null = 0; from !== null;) {
      const page: ItemPage | null | undefined = await ask<ItemPage>(host, "items", task, {
        status: null,
        from,
        limit: 1_000,
      });
      items.push(...(page?.items ?? []));
      from = page?.next ?? null;
    }
    found.push([task, items]);
  }
  return found;
}
