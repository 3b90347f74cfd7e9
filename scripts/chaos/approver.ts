/**
 * Completes the external tasks: calls each URL that an attempt has reported, also URLs of attempts
 * lost to a kill. A run always gets the same answer, so any of its URLs may count.
 */
import { createHash } from "node:crypto";
import type { Client } from "./client.ts";
import type { Report } from "./history.ts";
import type { Recorder } from "./recorder.ts";
import type { RuntimeFixture } from "./fixture.ts";

const PAUSE_MS = 200;
/** Refusals of a URL whose task was completed already, is final, or was retried. */
const TOO_LATE = new Set(["already_completed", "not_waiting", "completion_expired"]);

type Asked = Extract<Report, { event: "asked" }>;

export interface ApproverOptions {
  readonly fixture: RuntimeFixture;
  readonly client: Client;
  readonly recorder: Recorder;
  readonly signal: AbortSignal;
}

export class Approver {
  readonly refusals: string[] = [];
  readonly #options: ApproverOptions;
  readonly #answered = new Set<string>();
  readonly #calls = new Set<Promise<void>>();
  #ended = false;

  constructor(options: ApproverOptions) {
    this.#options = options;
  }

  /** An attempt waits to be completed at this URL. */
  asked(asked: Asked): void {
    const call = this.#complete(asked).finally(() => this.#calls.delete(call));
    this.#calls.add(call);
  }

  /** Gives up unanswered calls. */
  async end(): Promise<void> {
    this.#ended = true;
    await Promise.all(this.#calls);
  }

  async #complete({ run, task, attempt, url, user }: Asked): Promise<void> {
    const { fixture, client, recorder, signal } = this.#options;
    const payload = { user, approved: run };
    if (!this.#answered.has(run)) {
      this.#answered.add(run);
      const passed = createHash("sha256").update(JSON.stringify(payload)).digest("hex");
      recorder.add({ event: "end", run, task, attempt, passed, to: {} });
    }
    while (!signal.aborted && !this.#ended) {
      await fixture.untilUp();
      try {
        const why = await client.complete(url, payload);
        if (why !== null && !TOO_LATE.has(why))
          this.refusals.push(`the completion URL of ${run} is answered ${why}`);
        return;
      } catch {
        // The call was cut off by a kill.
        await new Promise((wake) => setTimeout(wake, PAUSE_MS));
      }
    }
  }
}
