/** Lists the resources that a deployment needs beside its code, by wrangler.toml and the plan. */
import { parse } from "smol-toml";
import { neededSecrets } from "../compiler/needed-secrets.ts";
import { queuesOf, tablesIn } from "../compiler/wrangler-config.ts";
import type { Plan } from "../domain/plan/plan.ts";
import { neededRules, type NotificationRule } from "./notification-rules.ts";

/** The needed resources. */
export interface NeededResources {
  readonly queues: readonly string[];
  readonly buckets: readonly string[];
  readonly rules: readonly NotificationRule[];
  /** The queue that receives R2's notifications. */
  readonly eventQueue: string;
  readonly secrets: readonly { readonly name: string; readonly why: string }[];
}

/** The binding of that queue in wrangler.toml. */
const EVENT_QUEUE_BINDING = "R2_EVENT_QUEUE";
const API_TOKEN = "PEACH_API_TOKEN";

/** Lists the resources. Throws an Error if wrangler.toml lacks a required binding. */
export function neededResources(plan: Plan, wranglerToml: string): NeededResources {
  const config = parse(wranglerToml);
  const { producers, consumers } = queuesOf(config);
  const eventQueue = producers.find(({ binding }) => binding === EVENT_QUEUE_BINDING)?.["queue"];
  if (typeof eventQueue !== "string")
    throw new Error(
      `wrangler.toml binds no queue as ${EVENT_QUEUE_BINDING}: R2 would have nobody to report to`,
    );
  const queueNames = [
    // Dead letter queues come first, since other queues refer to them.
    ...consumers.map((consumer) => consumer["dead_letter_queue"]),
    ...producers.map((producer) => producer["queue"]),
    ...consumers.map((consumer) => consumer["queue"]),
  ];
  return {
    queues: distinct(queueNames),
    buckets: distinct([
      ...tablesIn(config["r2_buckets"]).map((bucket) => bucket["bucket_name"]),
      ...Object.keys(plan.buckets),
    ]),
    rules: neededRules(plan),
    eventQueue,
    secrets: [
      { name: API_TOKEN, why: "without it, or PEACH_API_TOKENS, the API refuses everyone" },
      ...neededSecrets(plan).map(({ name, endpoints }) => ({
        name,
        why:
          `without it ${endpoints.join(", ")} refuse${endpoints.length === 1 ? "s" : ""} ` +
          `every delivery`,
      })),
    ],
  };
}

/** Selects the secrets that do not exist. PEACH_API_TOKENS replaces PEACH_API_TOKEN. */
export function missingSecrets(
  { secrets }: NeededResources,
  existing: readonly string[],
): NeededResources["secrets"] {
  return secrets.filter(
    ({ name }) =>
      !existing.includes(name) && !(name === API_TOKEN && existing.includes(`${API_TOKEN}S`)),
  );
}

/** Renders a rule: `uploads/audio/*.mp3 (object-create)`. */
export function ruleText({ bucket, event, prefix, suffix }: NotificationRule): string {
  return `${bucket}/${prefix}*${suffix} (${event})`;
}

function distinct(names: readonly unknown[]): string[] {
  return [...new Set(names.filter((name) => typeof name === "string"))];
}
