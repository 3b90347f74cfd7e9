/**
 * Whether a request may come in at an endpoint, by the endpoint's `auth`. What its headers tell (length, encoding, token, time) is looked
 * at before a byte of the body is read. A signature is verified over the body as it was sent, while it comes.
 */
import type { Context } from "hono";
import type { Actor } from "../core/actor.ts";
import type { SignatureAuth } from "../core/endpoint-auth.ts";
import type { EndpointPlan } from "../core/plan.ts";
import { beginVerification } from "../trigger/signature/verify.ts";
import { identify, refuseWithout } from "./auth.ts";
import type { Refusal } from "./authenticator.ts";
import { holdBody, keepBeginning, type LimitedRequest, limitBody, refuseUnread } from "./body-limit.ts";
import { actorOf, type HttpEnv } from "./http-env.ts";

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

export type Admission =
  | Admitted
  | (Refusal & {
      /** Null: nothing of its body was read. */
      readonly limited: Pick<LimitedRequest, "request" | "kept"> | null;
    });

/** Admits the request or refuses it: 401, 403 without the scope for triggers, 413 or 415 for a body that is found to be neither. */
export async function admit(c: Context<HttpEnv>, endpoint: EndpointPlan): Promise<Admission> {
  const problem = refuseUnread(c.req.raw, endpoint);
  if (problem !== null) return { problem, headers: {}, limited: null };
  switch (endpoint.auth.type) {
    case "none":
      return admitAny(c, endpoint);
    case "token": {
      const caller = await identify(c);
      if ("problem" in caller) return refuseRead(c, caller);
      const refusal = refuseWithout("trigger", caller);
      if (refusal !== null) return refuseRead(c, refusal);
      const admission = await admitAny(c, endpoint);
      return "problem" in admission ? admission : { ...admission, actor: actorOf(caller) };
    }
    case "signature":
      return admitSigned(c, endpoint, endpoint.auth);
  }
}

async function admitAny(c: Context<HttpEnv>, endpoint: EndpointPlan): Promise<Admission> {
  const limited = await limitBody(c.req.raw, endpoint);
  if (!limited.ok) return { problem: limited.problem, headers: {}, limited: null };
  return { limited: limited.value, senderId: null, digest: null };
}

async function admitSigned(c: Context<HttpEnv>, endpoint: EndpointPlan, auth: SignatureAuth): Promise<Admission> {
  const { raw: request } = c.req;
  const headers = { "WWW-Authenticate": 'Signature realm="peach"' };
  const begun = beginVerification(auth, Reflect.get(c.env, auth.secret), request.headers, Date.now());
  if (!begun.ok) return refuseRead(c, { problem: begun.problem, headers });
  const verification = begun.value;
  const held = await holdBody(request, endpoint, (chunk) => verification.update(chunk));
  if (!held.ok) return { problem: held.problem, headers: {}, limited: null };
  const { limited, sent } = held.value;
  const verified = verification.finish(sent);
  if (verified.ok) return { limited, senderId: verified.value.deliveryId, digest: verified.value.digest };
  return { problem: verified.problem, headers, limited };
}

/** Refused by its headers. The beginning of its body is kept all the same: what was refused by mistake can be sent again. */
async function refuseRead(c: Context<HttpEnv>, refusal: Refusal): Promise<Admission> {
  const kept = await keepBeginning(c.req.raw);
  return { ...refusal, limited: { request: c.req.raw, kept: () => kept } };
}
