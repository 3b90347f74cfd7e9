/** What the inspector shows of an endpoint, by the API. */
import { expect, vi } from "vitest";
import type { EndpointPlan } from "../../src/core/plan.ts";
import type { EndpointFunction } from "../../src/task/method.ts";
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

/** An endpoint of this name, beside a task `echo`. */
export function serveAt(
  name: string,
  method: EndpointFunction,
  endpoint: Partial<EndpointPlan> = {},
  options: EdgeOptions = {},
): Send {
  const plan = planOf([taskPlan("echo")], { endpoints: [endpointPlan(name, { method: "hook", ...endpoint })] });
  return edge(plan, { registry: { endpoints: { hook: method } }, ...options });
}

/** What is kept of the endpoint, once it is as many. */
export async function deliveredAt(name: string, send: Send, count: number): Promise<Delivered[]> {
  return vi.waitFor(async () => {
    const response = await send(`/api/v1/endpoints/${name}/deliveries?limit=100`);
    const { deliveries } = await response.json<{ deliveries: Delivered[] }>();
    expect(deliveries).toHaveLength(count);
    return deliveries;
  });
}

export const post = (
  body: string | Uint8Array | ReadableStream,
  headers: Record<string, string> = {},
): RequestInit => ({
  method: "POST",
  body,
  headers,
});
