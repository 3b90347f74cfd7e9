/** What the inspector shows of an endpoint, by the API. */
import { afterEach, beforeEach, expect, vi } from "vitest";
import type { EndpointPlan } from "../../src/domain/plan/plan.ts";
import { triggerTaskWithEvent } from "../../src/task-helpers.ts";
import type { EndpointFunction } from "../../src/execution/author/method.ts";
import { edge, type EdgeOptions, type Send } from "./edge.ts";
import { endpointPlan, planOf, taskPlan } from "./plan.ts";

export interface Delivered {
  readonly id: string;
  readonly at: string;
  readonly duration_ms: number;
  readonly request_id: string;
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: { size: number | null; truncated: boolean; text?: string; base64?: string };
  readonly status: number;
  readonly reason: string | null;
  readonly sender_id: string | null;
  readonly runs: { run_id: string; task: string; deduplicated: boolean }[];
  readonly replay_of: string | null;
  readonly refused: { readonly address: string; readonly count: number; readonly first_at: string } | null;
}

/** The name of the endpoint of this test alone. */
export let name = "";

/** Each test of the file has an endpoint of its own, and the time and the methods it began with. */
export function endpointPerTest(): void {
  beforeEach(() => {
    name = `hook_${crypto.randomUUID().slice(0, 8)}`;
  });
  afterEach(() => {
    vi.restoreAllMocks();
    vi.useRealTimers();
  });
}

/** The test goes on with another endpoint. */
export function nameAnother(suffix: string): void {
  name += suffix;
}

/** A method of an endpoint: triggers `echo` with what came in. */
export const triggers: EndpointFunction = async (request) => {
  await triggerTaskWithEvent("echo", await request.text());
};

/** The endpoint of this test alone, at its name or the url given, beside a task `echo`. */
export function serve(method: EndpointFunction, endpoint: Partial<EndpointPlan> = {}, options: EdgeOptions = {}): Send {
  const plan = planOf([taskPlan("echo")], { endpoints: [endpointPlan(name, { method: "hook", ...endpoint })] });
  return edge(plan, { registry: { endpoints: { hook: method } }, ...options });
}

/** What is kept of the endpoint, once it is as many. */
export async function delivered(send: Send, count: number): Promise<Delivered[]> {
  return vi.waitFor(async () => {
    const response = await send(`/api/v1/endpoints/${name}/deliveries?limit=100`);
    const { deliveries } = await response.json<{ deliveries: Delivered[] }>();
    expect(deliveries).toHaveLength(count);
    return deliveries;
  }, 10_000);
}

/** What is kept of the endpoint, once it is one. */
export async function onlyOne(send: Send): Promise<Delivered> {
  const [one] = await delivered(send, 1);
  if (one === undefined) throw new Error("no delivery");
  return one;
}

export const post = (
  body: string | Uint8Array | ReadableStream,
  headers: Record<string, string> = {},
): RequestInit => ({
  method: "POST",
  body,
  headers,
});
