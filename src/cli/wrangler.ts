/**
 * Runs wrangler as a process: queries of existing resources, and commands that create. Owns the
 * parsing of wrangler's output.
 */
import { spawn } from "node:child_process";
import { stripVTControlCharacters } from "node:util";
import type { CommandHost } from "./command.ts";
import type { EventType, NotificationRule } from "./notification-rules.ts";

/** A rule that exists. */
export interface ExistingRule extends NotificationRule {
  readonly id: string;
  readonly queue: string;
}

/** A failure of wrangler, or its absence. */
export class WranglerError extends Error {}

/** The result of a command. */
interface Answer {
  readonly code: number;
  readonly output: string;
}

/** The actions of R2 by event type. */
const EVENTS: readonly (readonly [EventType, RegExp])[] = [
  ["object-create", /\b(PutObject|CopyObject|CompleteMultipartUpload)\b/],
  ["object-delete", /\b(DeleteObject|LifecycleDeletion)\b/],
];
/** Messages by which wrangler reports that a resource does not exist. Other failures are errors. */
const NO_QUEUE = /Queue ".*" does not exist/;
const NO_BUCKET = /bucket does not exist|bucket_not_found|code: (10006|10085)/;
const NO_RULES =
  /no[_ ](r2[_ ])?event[_ ]notification|notification[_ ]configuration[_ ](does not exist|not[_ ]found)|code: 11015/i;
const NO_WORKER = /Worker ".*" .*not found|code: 10007/;

/** Runs commands of wrangler. */
export class Wrangler {
  readonly #host: CommandHost;

  constructor(host: CommandHost) {
    this.#host = host;
  }

  async hasQueue(name: string): Promise<boolean> {
    return (await this.#ask(["queues", "info", name], NO_QUEUE)) !== null;
  }

  async hasBucket(name: string): Promise<boolean> {
    return (await this.#ask(["r2", "bucket", "info", name, "--json"], NO_BUCKET)) !== null;
  }

  /** Lists the rules of a bucket, one per event type; R2 may keep several as one. */
  async rules(bucket: string): Promise<ExistingRule[]> {
    const output =
      (await this.#ask(["r2", "bucket", "notification", "list", bucket], NO_RULES)) ?? "";
    return output.split(/\n\s*\n/).flatMap((block) => {
      const fields = new Map(
        [...block.matchAll(/^\s*(\w+):[ \t]*(.*)$/gm)].map(([, name = "", value = ""]) => [
          name,
          value.trim(),
        ]),
      );
      const id = fields.get("rule_id");
      const queue = fields.get("queue_name");
      if (id === undefined || queue === undefined) return [];
      const text = (name: string): string =>
        (fields.get(name) ?? "").replace(/^\(all (prefixes|suffixes)\)$/, "");
      const actions = fields.get("event_type") ?? "";
      return EVENTS.filter(([, names]) => names.test(actions)).map(([event]) => ({
        id,
        queue,
        bucket,
        event,
        prefix: text("prefix"),
        suffix: text("suffix"),
      }));
    });
  }

  /** Lists the names of the worker's secrets; empty if it is not deployed yet. */
  async secrets(): Promise<string[]> {
    const output = (await this.#ask(["secret", "list", "--format", "json"], NO_WORKER)) ?? "[]";
    const listed: unknown = JSON.parse(output.slice(Math.max(0, output.indexOf("["))));
    if (!Array.isArray(listed))
      throw new WranglerError(`wrangler secret list said no list:\n${output}`);
    return listed.flatMap((entry: unknown) =>
      typeof entry === "object" &&
      entry !== null &&
      "name" in entry &&
      typeof entry.name === "string"
        ? entry.name
        : [],
    );
  }

  /** Runs a changing command. Rejects with `WranglerError` if it fails. */
  async change(args: readonly string[], input?: string): Promise<void> {
    const { code, output } = await this.#run(args, input);
    if (code !== 0) throw failed(args, output);
  }

  /** Runs a query. Returns null if the output matches `absent`: the resource does not exist. */
  async #ask(args: readonly string[], absent: RegExp): Promise<string | null> {
    const { code, output } = await this.#run(args);
    if (code === 0) return output;
    if (absent.test(output)) return null;
    throw failed(args, output);
  }

  #run(args: readonly string[], input = ""): Promise<Answer> {
    const { env, projectRoot, signal } = this.#host;
    return new Promise((done, fail) => {
      const child = spawn("wrangler", [...args], {
        cwd: projectRoot,
        // wrangler must not ask questions.
        env: { ...env, CI: "1", WRANGLER_SEND_METRICS: "false", NO_COLOR: "1" },
        stdio: ["pipe", "pipe", "pipe"],
        signal,
      });
      let output = "";
      for (const stream of [child.stdout, child.stderr])
        stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
      child.once("error", (error) =>
        fail(new WranglerError(`wrangler cannot be started: ${error.message}`)),
      );
      child.once("close", (code) =>
        done({ code: code ?? 1, output: stripVTControlCharacters(output) }),
      );
      // wrangler may end without reading its input.
      child.stdin.on("error", () => {});
      child.stdin.end(input);
    });
  }
}

function failed(args: readonly string[], output: string): WranglerError {
  return new WranglerError(`wrangler ${args.join(" ")} failed:\n${output.trim()}`);
}
