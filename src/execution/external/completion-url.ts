/**
 * The completion URL of an external task's attempt. On any other task, reading the URL throws with
 * the reason.
 */
import type { Lease } from "../../objects/run/lease-rpc.ts";
import { completionUrl } from "./completion-token.ts";

export class AttemptCompletion {
  /** For a task that its own method completes. */
  static readonly none = new AttemptCompletion(null, false);

  readonly #url: string | null;
  readonly #isExternal: boolean;

  private constructor(url: string | null, isExternal: boolean) {
    this.#url = url;
    this.#isExternal = isExternal;
  }

  /**
   * Signs the completion URL of an attempt. The variable PEACH_URL names the deployment's address;
   * on the local runtime, the address of the trigger's request is the fallback. Rejects when the
   * identity object cannot be reached.
   */
  static async of(lease: Lease, env: Env): Promise<AttemptCompletion> {
    const { completion, runId, ordinal, attempt, token, url } = lease;
    const base = env.PEACH_URL?.replace(/\/+$/, "") || url;
    if (completion === undefined || base === undefined)
      return new AttemptCompletion(null, completion !== undefined);
    const { key, expiresAt } = completion;
    const claims = { runId, ordinal, attempt, token, expiresAt };
    return new AttemptCompletion(await completionUrl(env, base, key, claims), true);
  }

  get url(): string {
    if (this.#url !== null) return this.#url;
    throw new Error(
      this.#isExternal
        ? "nobody has said where this deployment is reached, and what requests say of that is not believed: set the variable PEACH_URL, such as https://peach.example.workers.dev"
        : "only a task with `external: true` in peach.conf has a completion URL",
    );
  }

  /**
   * Throws in an external task, where `helper` has no effect: the task passes the payload that
   * completes it.
   */
  refuse(helper: string): void {
    if (this.#isExternal)
      throw new Error(
        `${helper} has no effect in an external task: it passes the payload that completes it`,
      );
  }
}
