/**
 * Whether a request may come in at an endpoint, by the endpoint's `auth`. What its headers tell (length, encoding, token, time) is looked
 * at before a byte of the body is read. A signature is verified over the body as it was sent, while it comes.
 */
import type { Context } from "hono";
import type { Actor } from "../../domain/actor.ts";
import type { HmacAuth, SnsAuth } from "../../domain/plan/endpoint-auth.ts";
import type { EndpointPlan } from "../../domain/plan/plan.ts";
import type { Problem } from "../../domain/problem.ts";
import { fetchConfirmation } from "../../triggers/receive-object-events.ts";
import type { SnsCertificates } from "../../triggers/signature/sns-certificates.ts";
import { MAX_SNS_BODY_BYTES, type VerifiedSns, verifySns } from "../../triggers/signature/sns.ts";
import { beginVerification } from "../../triggers/signature/verify.ts";
import { identify, refuseToTrigger } from "../auth/authenticate.ts";
import type { Refusal } from "../auth/authenticator.ts";
import {
  bufferBody,
  keepBeginning,
  type LimitedRequest,
  limitBody,
  refuseByHeaders,
} from "./body-limit.ts";
import { actorOf, type HttpEnv } from "../http-env.ts";
import { logFailure } from "../problem.ts";

export interface Admitted {
  /** With its whole body still to be read. */
  readonly limited: LimitedRequest;
  /** What the sender calls this delivery, the same each time; null if the endpoint's `auth` knows no such id. */
  readonly senderId: string | null;
  /** By which it is known when it is sent again; null: it is not signed. */
  readonly digest: string | null;
  /** Who has called it; absent where it asks for no token. */
  readonly actor?: Actor;
}

/** A request that asks nothing of the endpoint: Peach has answered it. */
export interface Settled {
  readonly limited: LimitedRequest;
  readonly response: Response;
}

export interface Refused extends Refusal {
  /** Null: nothing of its body was read. */
  readonly limited: Pick<LimitedRequest, "request" | "kept"> | null;
}

export type Admission = Admitted | Settled | Refused;

/** Admits the request or refuses it: 401, 403 without the scope for triggers, 413 or 415 for a body that is found to be neither. */
export async function admit(
  c: Context<HttpEnv>,
  endpoint: EndpointPlan,
  certificates: SnsCertificates,
): Promise<Admission> {
  const problem = refuseByHeaders(c.req.raw, endpoint);
  if (problem !== null) return { problem, headers: {}, limited: null };
  switch (endpoint.auth.type) {
    case "none":
      return admitAny(c, endpoint);
    case "token": {
      const caller = await identify(c);
      if ("problem" in caller) return refuseRead(c, caller);
      c.set("caller", caller);
      // What the endpoint triggers is its author's choice: a token for some tasks only is not enough.
      const refusal = refuseToTrigger([null], caller);
      if (refusal !== null) return refuseRead(c, refusal);
      const admission = await admitAny(c, endpoint);
      return "digest" in admission ? { ...admission, actor: actorOf(caller) } : admission;
    }
    case "signature":
      return endpoint.auth.scheme === "sns"
        ? admitSns(c, endpoint, endpoint.auth, certificates)
        : admitSigned(c, endpoint, endpoint.auth);
  }
}

async function admitAny(c: Context<HttpEnv>, endpoint: EndpointPlan): Promise<Admission> {
  const limited = await limitBody(c.req.raw, endpoint);
  if (!limited.ok) return { problem: limited.problem, headers: {}, limited: null };
  return { limited: limited.value, senderId: null, digest: null };
}

async function admitSigned(
  c: Context<HttpEnv>,
  endpoint: EndpointPlan,
  auth: HmacAuth,
): Promise<Admission> {
  const { raw: request } = c.req;
  const begun = beginVerification(
    auth,
    Reflect.get(c.env, auth.secret),
    request.headers,
    Date.now(),
  );
  if (!begun.ok) return refuseRead(c, { problem: begun.problem, headers: CHALLENGE });
  const verification = begun.value;
  const held = await bufferBody(request, endpoint, (chunk) => verification.update(chunk));
  if (!held.ok) return { problem: held.problem, headers: {}, limited: null };
  const { limited, sent } = held.value;
  const verified = verification.finish(sent);
  if (verified.ok)
    return { limited, senderId: verified.value.deliveryId, digest: verified.value.digest };
  return { problem: verified.problem, headers: CHALLENGE, limited };
}

/** The signature is in the body, which says what SNS wants. */
async function admitSns(
  c: Context<HttpEnv>,
  endpoint: EndpointPlan,
  auth: SnsAuth,
  certificates: SnsCertificates,
): Promise<Admission> {
  const maxBodyBytes = Math.min(endpoint.maxBodyBytes, MAX_SNS_BODY_BYTES);
  const held = await bufferBody(c.req.raw, { ...endpoint, maxBodyBytes }, () => undefined);
  if (!held.ok) {
    const isBySns =
      held.problem.code === "payload_too_large" && maxBodyBytes < endpoint.maxBodyBytes;
    return { problem: isBySns ? TOO_LARGE_FOR_SNS : held.problem, headers: {}, limited: null };
  }
  const { limited, sent } = held.value;
  const verified = await verifySns(auth, sent, certificates, Date.now());
  if (!verified.ok) {
    const headers = verified.problem.code === "unavailable" ? {} : CHALLENGE;
    return { problem: verified.problem, headers, limited };
  }
  const { deliveryId: senderId, digest, asks, topic } = verified.value;
  if (asks.type === "notify") return { limited, senderId, digest };
  if (asks.type === "confirm") return confirm(c, limited, asks.url, topic);
  console.warn(
    JSON.stringify({ message: "a subscription of SNS has ended", endpoint: endpoint.name, topic }),
  );
  return { limited, response: Response.json({ unsubscribed: topic }) };
}

async function confirm(
  c: Context<HttpEnv>,
  limited: LimitedRequest,
  url: URL,
  topic: VerifiedSns["topic"],
): Promise<Admission> {
  try {
    await fetchConfirmation(url);
  } catch (error) {
    logFailure(c, "a subscription of SNS could not be confirmed", error);
    return { problem: UNCONFIRMED, headers: {}, limited };
  }
  return { limited, response: Response.json({ confirmed: topic }) };
}

const CHALLENGE = { "WWW-Authenticate": 'Signature realm="peach"' } as const;

const TOO_LARGE_FOR_SNS: Problem = {
  code: "payload_too_large",
  detail: `The body has more than ${MAX_SNS_BODY_BYTES} bytes, and no message of SNS has as many.`,
  hint: "Send other bodies to an endpoint of their own, whose `auth` is another.",
};

const UNCONFIRMED: Problem = {
  code: "unavailable",
  detail: "The subscription could not be confirmed: SNS did not take it.",
  hint: "Have SNS ask again: request the confirmation of the subscription once more.",
};

/** Refused by its headers. The beginning of its body is kept all the same: what was refused by mistake can be sent again. */
async function refuseRead(c: Context<HttpEnv>, refusal: Refusal): Promise<Admission> {
  const kept = await keepBeginning(c.req.raw);
  return { ...refusal, limited: { request: c.req.raw, kept: () => kept } };
}
