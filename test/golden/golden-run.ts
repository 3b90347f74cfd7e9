/** A run that is recorded: the real controller and store, a clock that stands until it is moved, and nobody else in the world. */
import { graphFrom } from "../../src/domain/plan/run-graph.ts";
import { runIdFromBytes, type RunId } from "../../src/domain/ids.ts";
import { nextWakeAt } from "../../src/domain/run/machine.ts";
import type { NewPayload } from "../../src/domain/payload.ts";
import type { Plan } from "../../src/domain/plan/plan.ts";
import type { Run } from "../../src/domain/run/state.ts";
import { summarize } from "../../src/domain/run/summary.ts";
import { writeAcceptAnswer, writeGrant } from "../../src/objects/run/grant-text-rpc.ts";
import { describeRun } from "../../src/objects/run/run-document.ts";
import { RunController } from "../../src/objects/run/run-controller.ts";
import type { AcceptAnswer, AcceptRequest } from "../../src/objects/run/accept-rpc.ts";
import type { AttemptOutcome, Settlement } from "../../src/objects/run/settlement-rpc.ts";
import type { Grant, Lease } from "../../src/objects/run/lease-rpc.ts";
import { CREATE_JOURNAL } from "../../src/objects/run/schema.ts";
import { Journal, type SnapshotRule } from "../../src/objects/run/journal.ts";
import { MemoryStorage } from "../support/journal-storage.ts";
import type { GoldenJournal, GoldenMessages, GoldenRow } from "./files.ts";
import { NO_TROUBLE } from "../support/driven-run.ts";

const START = Date.UTC(2026, 10, 29, 12);
const CLAIM = { v: 1, holding: 0, budgetMs: 28_000, deployment: "golden" } as const;

type Writable<T> = { -readonly [Key in keyof T]: T[Key][] };
export type Collected = Writable<{
  [Key in "queue" | "grants" | "accepted"]: GoldenMessages[Key][number];
}>;

/** The id of the run of this number. */
export function goldenId(number: number): RunId {
  return runIdFromBytes(new Uint8Array(16).fill(number));
}

export function json(value: unknown): NewPayload {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  return {
    kind: "json",
    size: bytes.length,
    contentType: "application/json",
    at: "inline",
    bytes,
    ...(Array.isArray(value) && { length: value.length }),
  };
}

export class GoldenRun {
  now = START;
  readonly #storage = new MemoryStorage(async () => {});
  readonly #controller: RunController;
  readonly #collected: Collected;
  readonly #leases = new Map<string, Lease>();
  readonly #name: string;
  readonly #id: RunId;

  constructor(name: string, number: number, collected: Collected, snapshot?: SnapshotRule) {
    this.#name = name;
    this.#id = goldenId(number);
    this.#collected = collected;
    this.#controller = new RunController(new Journal(this.#storage, snapshot), {
      now: () => this.now,
      setAlarm: () => undefined,
      getAlarm: async () => null,
      queueProgress: () => null,
      askQueue: async () => null,
      messageReceived: () => undefined,
      hasSubscribers: () => false,
      changed: () => undefined,
      attemptUpdated: () => undefined,
      perform: () => undefined,
      deletePayloads: async () => undefined,
      deleteAbandoned: async () => false,
      parentStates: async () => [],
      tellParent: async () => undefined,
      parentNotTold: () => undefined,
      reportToCatalog: async () => true,
      after: () => () => undefined,
      notShortened: (error) => {
        throw error;
      },
      reportFailed: () => undefined,
      waitUntil: () => undefined,
      alarmFailed: (_, error) => {
        throw error;
      },
      trouble: NO_TROUBLE,
    });
    collected.queue.push({ v: 1, run_id: this.#id });
  }

  get controller(): RunController {
    return this.#controller;
  }

  get run(): Run {
    const run = this.#controller.load();
    if (run === null) throw new Error(`${this.#name} was not accepted`);
    return run;
  }

  accept(plan: Plan, root: string, payload: unknown, more: Partial<AcceptRequest> = {}): void {
    const graph = graphFrom(plan, root);
    if (graph === null) throw new Error(`the plan has no task ${root}`);
    const origin = { source: "api", by: "golden", parent: null } as const;
    const request = { v: 1, runId: this.#id, nonce: this.#name, graph, origin, payload: json(payload), ...more };
    this.#answered(this.#controller.accept(request));
  }

  /** A later trigger of the window. */
  postpone(plan: Plan, root: string, payload: unknown, delayMs: number): void {
    const graph = graphFrom(plan, root);
    if (graph === null) throw new Error(`the plan has no task ${root}`);
    const origin = { source: "api", by: "golden", parent: null } as const;
    const request = { v: 1, runId: this.#id, nonce: "later", graph, origin, payload: json(payload), delayMs };
    const answer = this.#controller.acceptOrPostpone(request);
    if (answer !== null) this.#answered(answer);
  }

  claim(
    more: { readonly paused?: readonly string[]; readonly items?: number; readonly deployment?: string } = {},
  ): void {
    this.#granted(this.#controller.claim({ ...CLAIM, ...more }));
  }

  begin(ordinal: number): void {
    const lease = this.#controller.begin(ordinal, "executor", { deployment: CLAIM.deployment });
    if (lease !== null) this.#leases.set(keyOf(lease), lease);
  }

  /** Ends the attempt under way of a task, or of its item of this index, and claims more. */
  settle(task: string, outcome: AttemptOutcome, more: Partial<Settlement> = {}, item?: number): void {
    const lease = this.leaseOf(task, item);
    this.#leases.delete(keyOf(lease));
    const { ordinal, attempt, token } = lease;
    const settlement = { ordinal, attempt, token, outcome, children: [], logs: [], logsDropped: 0, ...more };
    this.#granted(this.#controller.settle({ v: 1, settlements: [settlement], claim: CLAIM }));
  }

  leaseOf(task: string, item?: number): Lease {
    const lease = this.#leases.get(`${task}/${item ?? ""}`);
    if (lease === undefined) throw new Error(`${this.#name} has no lease of ${task}`);
    return lease;
  }

  async wake(afterMs = 0): Promise<void> {
    this.now += afterMs;
    await this.#controller.alarm(this.now);
  }

  recorded(): GoldenJournal {
    const { run } = this;
    const rows = this.#storage.sql.exec("SELECT seq, kind, at, entry, data FROM journal ORDER BY seq").toArray();
    return {
      name: this.#name,
      tables: [CREATE_JOURNAL],
      rows: rows.map(rowOf),
      document: describeRun(run, () => null, 0),
      summary: summarize(run),
      isDue: Number.isFinite(nextWakeAt(run)),
    };
  }

  #answered(answer: AcceptAnswer): void {
    this.#note(answer.grant);
    const { outcome } = answer;
    this.#collected.accepted.push({ text: writeAcceptAnswer(answer), outcome, leases: namesOf(answer.grant) });
  }

  #granted(grant: Grant): void {
    this.#note(grant);
    this.#collected.grants.push({ text: writeGrant(grant), leases: namesOf(grant) });
  }

  #note({ leases }: Grant): void {
    for (const lease of leases) this.#leases.set(keyOf(lease), lease);
  }
}

function keyOf({ task, item, collects }: Lease): string {
  return `${task}/${collects === true ? "" : (item?.index ?? "")}`;
}

/** Each lease in words, as the test compares them. */
export function namesOf({ leases }: Grant): string[] {
  return leases.map(
    ({ task, item, attempt, method }) => `${task}${item === undefined ? "" : `[${item.index}]`} ${attempt} ${method}`,
  );
}

function rowOf({ seq, kind, at, entry, data }: Record<string, unknown>): GoldenRow {
  return {
    seq: Number(seq),
    kind: String(kind),
    at: Number(at),
    entry: typeof entry === "string" ? entry : null,
    data: data instanceof ArrayBuffer ? Buffer.from(data).toString("base64") : null,
  };
}
