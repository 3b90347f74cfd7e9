/**
 * The load: every trigger is sent until it is answered, as by a persistent client. With an
 * idempotency key it is sent again with the same key; without a key it becomes another trigger. A
 * run counts as accepted when its 202 was seen.
 */
import { createHash } from "node:crypto";
import { type Client, NotDeployed, UnexpectedAnswer } from "./client.ts";
import type { Prng } from "./prng.ts";
import type { Follower } from "./follower.ts";
import { drawKind, KINDS } from "./kinds.ts";

const LANES = 12;
/** The largest number of open runs: enough for a kill to hit, and bearable for the machine. */
const MAX_OPEN = 120;
const POLL_MS = 50;
const PAUSE_MS = 200;
const USERS = 4;

/** Above the inline limit of scripts/chaos/peach.conf. */
const LARGE_BYTES = 60_000;
const STREAM_BYTES = [100_000, 400_000] as const;
/** Above one part of an upload in parts (8 MiB). */
const LONG_STREAM_BYTES = 9_000_000;

/** A trigger to send. */
export interface Item {
  /** The client's name of the trigger; part of the payload. */
  readonly name: string;
  readonly kind: string;
  readonly key: string | null;
  /** Sent twice at the same time, with the same key. */
  readonly twice: boolean;
  /** Approximate size of the payload. */
  readonly bytes: number;
  readonly cancelAfterMs: number;
  /** The user of the trigger: some tasks are limited by user. */
  readonly user: string;
}

/** Draws the triggers of a seed, with `poisons` runs that kill the runtime spread among them. */
export function drawItems(prng: Prng, seed: number, count: number, poisons: number): Item[] {
  const isPoison = (index: number): boolean =>
    Math.floor(((index + 1) * poisons) / count) > Math.floor((index * poisons) / count);
  return Array.from({ length: count }, (_, index) => {
    const drawn = drawKind(prng);
    const kind = isPoison(index) ? "poison" : drawn;
    const name = `${seed}-${index}`;
    const isKeyed = prng.chance(0.7);
    return {
      name,
      kind,
      key: isKeyed ? `chaos-${name}` : null,
      twice: isKeyed && prng.chance(0.25),
      bytes: bytesOf(kind, prng),
      cancelAfterMs: prng.between(0, 1_500),
      user: `user-${prng.between(0, USERS)}`,
    };
  });
}

export interface LoadOptions {
  readonly fixture: { untilUp(): Promise<void>; readyAt(): number };
  readonly client: Pick<Client, "trigger" | "putUpload" | "cancel">;
  readonly follower: Pick<Follower, "open" | "track" | "cancelled">;
  readonly signal: AbortSignal;
}

export class Load {
  /** Triggers with an accepted run. */
  accepted = 0;
  /** Calls without an answer: cut off by a kill. */
  unanswered = 0;
  /** Repeated triggers with a key that found their run. */
  found = 0;
  readonly byKind = new Map<string, number>();
  readonly refusals: string[] = [];
  readonly #options: LoadOptions;
  /** Lanes that are still sending. */
  #busyLanes = 0;
  /**
   * Triggers whose task only the other version of peach.conf has, with the start time of the
   * version that refused.
   */
  readonly #waitingForDeploy = new Map<Item, number>();

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  /**
   * True if all remaining triggers wait for the other version of peach.conf: without another deploy
   * they are never accepted.
   */
  get isWaitingForDeploy(): boolean {
    const readyAt = this.#options.fixture.readyAt();
    // A version that started since has not answered yet.
    const waiting = [...this.#waitingForDeploy.values()].filter((at) => at === readyAt);
    return this.#busyLanes > 0 && waiting.length === this.#busyLanes;
  }

  /** Resolves when every trigger was accepted. */
  async send(items: readonly Item[]): Promise<void> {
    const waiting = items.values();
    const cancelling: Promise<void>[] = [];
    const lane = async (): Promise<void> => {
      for (const item of waiting) {
        this.#busyLanes += 1;
        while (this.#options.follower.open >= MAX_OPEN && !this.#options.signal.aborted)
          await pause(POLL_MS);
        const runId = await this.#accept(item);
        this.#busyLanes -= 1;
        if (runId === null) continue;
        this.accepted += 1;
        this.byKind.set(item.kind, (this.byKind.get(item.kind) ?? 0) + 1);
        if (item.kind === "cancel") cancelling.push(this.#cancel(runId, item.cancelAfterMs));
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    await Promise.all(cancelling);
  }

  async #accept(item: Item): Promise<string | null> {
    if (item.kind === "upload") return this.#upload(item);
    const { body, contentType } = payloadOf(item);
    const sent = createHash("sha256").update(body).digest("hex");
    const sendOnce = async (): Promise<string | null> => {
      const isInOneVersion = KINDS.get(item.kind)?.isInOneVersion === true;
      const answer = await this.#untilDeployed(item, () =>
        this.#options.client.trigger(item.kind, body, contentType, item.key, isInOneVersion),
      );
      if (answer === null) return null;
      if (answer.deduplicated) this.found += 1;
      this.#options.follower.track(answer.run_id, "answered", item.kind, sent);
      return answer.run_id;
    };
    const [first = null, second = first] = await Promise.all(
      item.twice ? [sendOnce(), sendOnce()] : [sendOnce()],
    );
    if (first !== second)
      this.refusals.push(`the key ${item.key} gave two runs, ${first} and ${second}`);
    return first;
  }

  /** Uploads an object. Every PUT is a new version, and its notification is delivered twice. */
  async #upload({ name, bytes }: Item): Promise<string | null> {
    const answer = await this.#untilAnswered(() =>
      this.#options.client.putUpload(
        `chaos/${name}`,
        Buffer.from(`${name} `.repeat(bytes / name.length)),
      ),
    );
    const runId = answer?.will_trigger[0]?.run_id;
    if (answer === null) return null;
    if (runId === undefined) {
      this.refusals.push(`the upload of chaos/${name} is to trigger nothing`);
      return null;
    }
    this.#options.follower.track(runId, "announced", "upload", null);
    return runId;
  }

  async #cancel(runId: string, afterMs: number): Promise<void> {
    await pause(afterMs);
    this.#options.follower.cancelled(runId, "asked");
    const isCancelled = await this.#untilAnswered(() => this.#options.client.cancel(runId));
    if (isCancelled === true) this.#options.follower.cancelled(runId, "accepted");
  }

  /** Repeats the call until it is answered; null if it never will be. */
  async #untilAnswered<T>(call: () => Promise<T>): Promise<T | null> {
    const { fixture, signal } = this.#options;
    while (!signal.aborted) {
      await fixture.untilUp();
      try {
        return await call();
      } catch (error) {
        if (error instanceof UnexpectedAnswer) {
          this.refusals.push(error.message);
          return null;
        }
        if (error instanceof NotDeployed) throw error;
        this.unanswered += 1;
        await pause(PAUSE_MS);
      }
    }
    return null;
  }

  /**
   * Same, for a task that may only be in the other version of peach.conf: tries again with each
   * deployed version.
   */
  async #untilDeployed<T>(item: Item, call: () => Promise<T>): Promise<T | null> {
    const { fixture, signal } = this.#options;
    for (;;) {
      const readyAt = fixture.readyAt();
      try {
        return await this.#untilAnswered(call);
      } catch (error) {
        if (!(error instanceof NotDeployed)) throw error;
      }
      this.#waitingForDeploy.set(item, readyAt);
      while (!signal.aborted && fixture.readyAt() === readyAt) await pause(PAUSE_MS);
      this.#waitingForDeploy.delete(item);
      if (signal.aborted) return null;
    }
  }
}

function bytesOf(kind: string, prng: Prng): number {
  if (kind === "stream")
    return prng.chance(0.05) ? LONG_STREAM_BYTES : prng.between(...STREAM_BYTES);
  return kind === "large" || prng.chance(0.05) ? LARGE_BYTES : 1_000;
}

function payloadOf({ name, kind, bytes, user }: Item): {
  body: Uint8Array<ArrayBuffer>;
  contentType: string;
} {
  if (kind === "stream") {
    const text = name.padEnd(32);
    return {
      body: Buffer.from(text.repeat(Math.ceil(bytes / text.length))),
      contentType: "application/octet-stream",
    };
  }
  const payload = { item: name, user, filler: "peach ".repeat(bytes / 6) };
  return { body: Buffer.from(JSON.stringify(payload)), contentType: "application/json" };
}

function pause(ms: number): Promise<void> {
  return new Promise((wake) => setTimeout(wake, ms));
}
