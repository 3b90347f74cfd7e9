/**
 * Admits or refuses a request to an endpoint, by the endpoint's `auth`. Headers (length, encoding,
 * token, time) are checked before a byte of the body is read. A signature is verified over the
 * bytes as they were sent, while they arrive.
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
import { log } from "../../platform/log.ts";

/** An admitted request: the endpoint's method is called next. */
export interface Admitted {
  /** The request, with its body unread. */
  readonly limited: LimitedRequest;
  /** The sender's id of this delivery, equal in each attempt; null if the scheme has none. */
  readonly senderId: string | null;
  /** Digest of the signed request, which recognizes a redelivery; null without a signature. */
  readonly digest: string | null;
  /** The authenticated caller; absent without `auth: token`. */
  readonly actor?: Actor;
}

/** A request that Peach answered itself, such as the confirmation of an SNS subscription. */
export interface Settled {
  readonly limited: LimitedRequest;
  readonly response: Response;
}

/** A refused request. */
export interface Refused extends Refusal {
  /** The part of the body that was read; null if none was. */
  readonly limited: Pick<LimitedRequest, "request" | "kept"> | null;
}

export type Admission = Admitted | Settled | Refused;

/**
 * Admits the request, or refuses it: 401 without valid credentials, 403 without the right to
 * trigger, 413 or 415 for its body.
 */
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
      // The endpoint's code decides which tasks it triggers, so a token for some tasks is not
      // enough.
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

/** Admits a request that needs no signature, once its body is limited. */
async function admitAny(c: Context<HttpEnv>, endpoint: EndpointPlan): Promise<Admission> {
  const limited = await limitBody(c.req.raw, endpoint);
  if (!limited.ok) return { problem: limited.problem, headers: {}, limited: null };
  return { limited: limited.value, senderId: null, digest: null };
}

/**
 * Verifies an HMAC signature. The body is held in memory: the method must not run before the last
 * byte is verified.
 */
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

/**
 * Verifies a message of SNS. The body contains the signature, and the kind of message: a
 * notification, or the confirmation or end of a subscription.
 */
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
  log("warn", "a subscription of SNS has ended", { endpoint: endpoint.name, topic });
  return { limited, response: Response.json({ unsubscribed: topic }) };
}

/**
 * Confirms a subscription by fetching the url in the message. `verifySns` has checked that the url
 * is one of SNS.
 */
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

/**
 * Refuses a request by its headers, and still reads the beginning of its body for the inspector: a
 * delivery refused by mistake can then be replayed.
 */
async function refuseRead(c: Context<HttpEnv>, refusal: Refusal): Promise<Admission> {
  const kept = await keepBeginning(c.req.raw);
  return { ...refusal, limited: { request: c.req.raw, kept: () => kept } };
}
