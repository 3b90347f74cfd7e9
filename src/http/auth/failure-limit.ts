/**
 * How often an address (of IPv6 a /64) may fail to say who it is. Beyond that it is told to come later, without another look at the limit, so that a
 * flood costs next to nothing; who has a valid token comes in all the same, also from such an address. The platform counts in each of its
 * locations and about, not exactly.
 */
import type { Context } from "hono";
import { within } from "../../platform/calls.ts";
import type { Refusal } from "./authenticator.ts";
import { addressOf, networkOf } from "../client-address.ts";
import type { HttpEnv } from "../http-env.ts";

const BLOCK_SECONDS = 60;
/** Addresses that this isolate remembers; the platform's own count goes on for the others. */
const MAX_REMEMBERED = 10_000;

/** Who cannot be counted in time is let try again. Milliseconds. */
const LIMIT_MS = 2_000;

/** Until when an address is told to come later. Epoch milliseconds. */
const blockedUntil = new Map<string, number>();

/** The refusal itself, or `rate_limited`. Only `unauthorized` counts: somebody who is known may well lack a right. */
export async function limitFailures(c: Context<HttpEnv>, refusal: Refusal): Promise<Refusal> {
  return refusal.problem.code === "unauthorized" ? countFailure(c, refusal) : refusal;
}

/** The refusal itself, or `rate_limited`: counted, whatever it is for. */
export async function countFailure(c: Context<HttpEnv>, refusal: Refusal): Promise<Refusal> {
  const address = networkOf(addressOf(c));
  const now = Date.now();
  if ((blockedUntil.get(address) ?? 0) > now) return TOO_MANY;
  const { success } = await within(
    LIMIT_MS,
    "the rate limiter",
    c.env.AUTH_FAILURES.limit({ key: address }),
  ).catch(() => ({ success: true }));
  if (success) return refusal;
  if (blockedUntil.size >= MAX_REMEMBERED) blockedUntil.clear();
  blockedUntil.set(address, now + BLOCK_SECONDS * 1_000);
  return TOO_MANY;
}

const TOO_MANY: Refusal = {
  problem: {
    code: "rate_limited",
    detail: "Too many requests from this address could not prove that they may come in.",
    hint: "Wait a minute, and send a valid token.",
  },
  headers: { "Retry-After": String(BLOCK_SECONDS) },
};
