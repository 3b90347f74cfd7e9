/**
 * Limits how often an address (for IPv6, a /64) may fail to authenticate. A blocked address is
 * refused from this isolate's memory, without another call of the rate limiter, so a flood costs
 * next to nothing. A valid token is accepted all the same, also from a blocked address. The
 * platform's rate limiter counts per location, and not exactly.
 */
import type { Context } from "hono";
import { within } from "../../platform/calls.ts";
import type { Refusal } from "./authenticator.ts";
import { addressOf, networkOf } from "../client-address.ts";
import type { HttpEnv } from "../http-env.ts";

/** Duration of a block; also the `Retry-After` of its answers. */
const BLOCK_SECONDS = 60;
/**
 * Blocked addresses that an isolate remembers. The platform's own count continues for the others.
 */
const MAX_REMEMBERED = 10_000;

/** Timeout of the rate limiter. An address that cannot be counted in time is not blocked. */
const LIMIT_MS = 2_000;

/** End of an address's block, in epoch milliseconds. */
const blockedUntil = new Map<string, number>();

/**
 * Counts a refusal `unauthorized`, and returns it or `rate_limited`. Other refusals pass uncounted:
 * an authenticated caller may well lack a right.
 */
export async function limitFailures(c: Context<HttpEnv>, refusal: Refusal): Promise<Refusal> {
  return refusal.problem.code === "unauthorized" ? countFailure(c, refusal) : refusal;
}

/** Counts a refusal whatever its code, and returns it or `rate_limited`. */
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
