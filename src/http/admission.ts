/** Whether a request may come in at an endpoint, by the endpoint's `auth`. A signature is verified over the raw body. */
import type { Context } from "hono";
import type { SignatureAuth } from "../core/endpoint-auth.ts";
import type { EndpointPlan } from "../core/plan.ts";
import type { Problem } from "../core/result.ts";
import { verifySignature } from "../trigger/signature/verify.ts";
import { identify, refuseWithout } from "./auth.ts";
import type { Refusal } from "./authenticator.ts";
import { canCarry, keptOf, type LimitedRequest } from "./body-limit.ts";
import type { HttpEnv } from "./http-env.ts";

export interface Admitted {
  /** With its whole body still to be read. */
  readonly limited: LimitedRequest;
  /** What the sender calls this delivery, the same each time; null if the endpoint's `auth` knows no such id. */
  readonly senderId: string | null;
}

export type Admission = Admitted | (Refusal & { readonly limited: LimitedRequest });

/** Admits the request or refuses it: 401, 403 without the scope for triggers, 413 for a body that is found to be too large. */
export async function admit(c: Context<HttpEnv>, endpoint: EndpointPlan, limited: LimitedRequest): Promise<Admission> {
  switch (endpoint.auth.type) {
    case "none":
      return { limited, senderId: null };
    case "token": {
      const caller = await identify(c);
      const refusal = "problem" in caller ? caller : refuseWithout("trigger", caller);
      return refusal === null ? { limited, senderId: null } : { ...refusal, limited };
    }
    case "signature":
      return admitSigned(c, endpoint, endpoint.auth, limited);
  }
}

/** The refusal of a body beyond `max_body`. */
export function tooLarge(endpoint: EndpointPlan): Problem {
  return {
    code: "payload_too_large",
    detail: `The endpoint "${endpoint.name}" takes bodies of at most ${endpoint.maxBodyBytes} bytes.`,
    hint: "Send less, or upload the data and send its address; `max_body` in peach.conf sets the limit.",
  };
}

async function admitSigned(
  c: Context<HttpEnv>,
  endpoint: EndpointPlan,
  auth: SignatureAuth,
  limited: LimitedRequest,
): Promise<Admission> {
  const body = await wholeBody(limited);
  if (body === null) return { problem: tooLarge(endpoint), headers: {}, limited };
  const held = heldRequest(limited.request, body);
  const secrets: unknown = Reflect.get(c.env, auth.secret);
  const verified = await verifySignature(auth, secrets, { headers: limited.request.headers, body }, Date.now());
  if (verified.ok) return { limited: held, senderId: verified.value.deliveryId };
  return { problem: verified.problem, headers: { "WWW-Authenticate": 'Signature realm="peach"' }, limited: held };
}

/** Null if it has more than `max_body`. */
async function wholeBody(limited: LimitedRequest): Promise<Uint8Array | null> {
  const { request } = limited;
  try {
    return new Uint8Array(await (canCarry(request) ? request : request.clone()).arrayBuffer());
  } catch (error) {
    if (limited.exceeded()) return null;
    throw error;
  }
}

/** The request with its body still to be read. A GET that has one goes on as it is; it cannot be made again. */
function heldRequest(request: Request, body: Uint8Array): LimitedRequest {
  const kept = keptOf(body);
  if (canCarry(request)) return { request: new Request(request, { body }), exceeded: () => false, kept: () => kept };
  return { request, exceeded: () => false, kept: () => ({ ...kept, isWhole: body.byteLength === 0 }) };
}
