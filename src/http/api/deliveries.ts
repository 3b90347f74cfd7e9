/** `/endpoints/{name}/deliveries`: lists recent requests to an endpoint, and replays one. */
import type { Context } from "hono";
import * as z from "zod";
import { iso } from "../../contract/iso-time.ts";
import { deliveriesSchema, replayedDeliverySchema } from "../../contract/deliveries.ts";
import {
  type Delivery,
  KEPT_DELIVERIES,
  type ListedDelivery,
  REDACTED,
} from "../../domain/delivery.ts";
import { parseDeliveryId } from "../../domain/ids.ts";
import { nearest } from "../../domain/nearest.ts";
import type { EndpointPlan, Plan } from "../../domain/plan/plan.ts";
import type { Problem } from "../../domain/problem.ts";
import { bufferedRequest } from "../endpoints/body-limit.ts";
import type { Needs } from "../dependencies.ts";
import { type HttpEnv, actorOf } from "../http-env.ts";
import { type Call, type Routes, handle } from "../openapi/handle.ts";
import { type DocumentOf, operation, answer } from "../openapi/operation.ts";
import { problemResponse } from "../problem.ts";
import { limitOf, numberedCursor } from "./parameters.ts";

const GROUP = "Endpoints";

const endpointParams = z.object({ endpoint: z.string().describe("The endpoint's name") });

/** `GET /endpoints/{endpoint}/deliveries`: a page of deliveries, newest first. */
export const listDeliveries = operation("GET /endpoints/{endpoint}/deliveries", {
  id: "listDeliveries",
  right: "read",
  group: GROUP,
  summary: "What came in at the endpoint lately, newest first",
  params: endpointParams,
  query: z.strictObject({
    limit: limitOf(KEPT_DELIVERIES, 20),
    cursor: numberedCursor.optional(),
    refused: z
      .enum(["true", "false"])
      .optional()
      .describe(
        "Only those that were refused before the endpoint was called, or only the others; without it, both",
      ),
  }),
  answers: {
    200: answer("A page of deliveries", deliveriesSchema),
  },
  problems: ["unknown_endpoint"],
});

/**
 * `POST /endpoints/{endpoint}/deliveries/{id}/replay`: calls the endpoint with the recorded
 * request.
 */
export const replayDelivery = operation("POST /endpoints/{endpoint}/deliveries/{id}/replay", {
  id: "replayDelivery",
  right: "operate",
  group: GROUP,
  summary: "Calls the endpoint again with what was kept, without its `auth`",
  params: z.object({ ...endpointParams.shape, id: z.string().describe("The delivery's id") }),
  answers: {
    202: answer("What came of it", replayedDeliverySchema),
  },
  problems: ["unknown_endpoint", "unknown_delivery", "delivery_not_whole"],
});

/** Adds the routes below /api/v1. */
export function deliveryRoutes(
  routes: Routes,
  dependencies: Needs<"plan" | "callDeliveries" | "answerRequest" | "deliveryLog">,
): void {
  const { plan, callDeliveries, answerRequest, deliveryLog } = dependencies;
  handle(routes, listDeliveries, (c, { params, query, reply }) =>
    withEndpoint(c, plan, params.endpoint, async ({ name }) => {
      const { limit, cursor: before = null, refused } = query;
      const filter = refused === undefined ? "all" : refused === "true" ? "refused" : "admitted";
      const { deliveries, next } = await callDeliveries(c.env, name, (kept) =>
        kept.list(limit, before, filter),
      );
      return reply(200, {
        deliveries: deliveries.map(documentOf),
        next_cursor: next === null ? null : String(next),
      });
    }),
  );
  handle(routes, replayDelivery, (c, call) =>
    withEndpoint(c, plan, call.params.endpoint, async (endpoint) => {
      const id = parseDeliveryId(call.params.id);
      const delivery =
        id === null ? null : await callDeliveries(c.env, endpoint.name, (kept) => kept.read(id));
      if (delivery === null) return problemResponse(c, unknownDelivery(endpoint, call.params.id));
      if (!delivery.body.isWhole) return problemResponse(c, notWhole(delivery));
      return replay(c, call, endpoint, delivery);
    }),
  );

  /**
   * Calls the endpoint with the recorded request, without `auth` and without redacted values. Every
   * task that it triggers gets a new run.
   */
  async function replay(
    c: Context<HttpEnv>,
    { reply }: Call<typeof replayDelivery>,
    endpoint: EndpointPlan,
    delivery: Delivery,
  ): Promise<Response> {
    const at = Date.now();
    const { params, senderId } = delivery;
    const limited = bufferedRequest(requestOf(delivery), delivery.body.bytes);
    const { request } = limited;
    const call = { endpoint, limited, params, source: "replay", deliveryId: null } as const;
    const answer = await answerRequest(c, { ...call, actor: actorOf(c.get("caller")) });
    const arrival = {
      at,
      request,
      params,
      kept: limited.kept(),
      senderId,
      replayOf: delivery.id,
      ...answer,
    };
    const id = deliveryLog.keep(c, endpoint, arrival);
    await answer.response.body?.cancel();
    const { status } = answer.response;
    return reply(202, {
      id,
      replay_of: delivery.id,
      status,
      reason: answer.reason,
      runs: runsOf(answer.runs),
    });
  }
}

/**
 * Rebuilds the request. Redacted headers are left out, because the endpoint would take the
 * placeholder for a secret.
 */
function requestOf({ url, method, headers, body: { bytes } }: Delivery): Request {
  const kept = Object.entries(headers).filter(([, value]) => value !== REDACTED);
  return new Request(url, {
    method,
    headers: kept,
    ...(bytes.byteLength === 0 ? {} : { body: bytes }),
  });
}

function documentOf({
  delivery,
  refused,
}: ListedDelivery): DocumentOf<typeof listDeliveries, 200>["deliveries"][number] {
  const { id, method, url, headers, body, status, reason } = delivery;
  return {
    id,
    at: iso(delivery.at),
    duration_ms: delivery.durationMs,
    request_id: delivery.requestId,
    method,
    url,
    headers,
    body: { size: body.size, truncated: !body.isWhole, ...contentOf(body) },
    status,
    reason,
    sender_id: delivery.senderId,
    runs: runsOf(delivery.runs),
    replay_of: delivery.replayOf,
    refused:
      refused === null
        ? null
        : { address: refused.address, count: refused.count, first_at: iso(refused.firstAt) },
  };
}

function runsOf(runs: Delivery["runs"]): DocumentOf<typeof replayDelivery, 202>["runs"] {
  return runs.map(({ runId, task, deduplicated }) => ({ run_id: runId, task, deduplicated }));
}

/** Returns the body as text if it is UTF-8, else in base64. */
function contentOf({ bytes, isWhole }: Delivery["body"]): { text: string } | { base64: string } {
  try {
    // A truncated body may end within a character. With `stream`, the decoder drops the partial one
    // instead of failing.
    return {
      text: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes, {
        stream: !isWhole,
      }),
    };
  } catch {
    return { base64: bytes.toBase64() };
  }
}

/** Finds the endpoint, or answers 404 with the nearest name. */
function withEndpoint(
  c: Context<HttpEnv>,
  plan: Plan,
  name: string,
  answer: (endpoint: EndpointPlan) => Promise<Response>,
): Promise<Response> | Response {
  const endpoint = plan.endpoints.find((candidate) => candidate.name === name);
  if (endpoint !== undefined) return answer(endpoint);
  const names = plan.endpoints.map((candidate) => candidate.name);
  const meant = nearest(name, names);
  return problemResponse(c, {
    code: "unknown_endpoint",
    detail: `There is no endpoint "${name}".`,
    hint:
      meant === null
        ? `The endpoints are ${names.join(", ") || "none"}.`
        : `Did you mean "${meant}"?`,
  });
}

function unknownDelivery({ name }: EndpointPlan, id: string): Problem {
  return {
    code: "unknown_delivery",
    detail: `The endpoint "${name}" has no delivery "${id}".`,
    hint: `The last ${KEPT_DELIVERIES} of an endpoint are kept, for a week: list them.`,
  };
}

/** Refuses to replay a delivery that was stored in part. */
function notWhole({ id }: Delivery): Problem {
  return {
    code: "delivery_not_whole",
    detail: `The body of the delivery ${id} was not kept whole, so it cannot be sent again.`,
    hint: "Bodies are kept up to 64 KB, and as far as the endpoint had read them. Have its sender send it again.",
  };
}
