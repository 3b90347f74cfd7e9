/**
 * Sends fuzzed requests and checks each answer. The caller supplies the transport: a runtime, or
 * the app in a test.
 */
import { Prng } from "../chaos/prng.ts";
import type { DescribedCall } from "./described-calls.ts";
import { faultOf, type FuzzedAnswer } from "./fault.ts";
import { fuzzRequest, type FuzzedRequest, type Ingredients } from "./fuzzed-request.ts";
import type { WayIn } from "./ways-in.ts";

export interface Campaign {
  readonly calls: readonly DescribedCall[];
  /** Ways in that the OpenAPI document does not describe. */
  readonly ways?: Readonly<Record<string, WayIn>>;
  readonly requests: number;
  readonly seed: number;
  readonly authorizations: Ingredients["authorizations"];
  readonly secrets: readonly string[];
  /** Names that exist from the beginning. */
  readonly known: readonly string[];
  /** Sends one request; rejects without an answer. */
  send(request: FuzzedRequest): Promise<FuzzedAnswer>;
  /** Concurrent requests. */
  readonly width: number;
}

export interface Fault {
  readonly why: string;
  readonly request: FuzzedRequest;
  readonly answer: FuzzedAnswer | null;
}

export interface CampaignResult {
  readonly faults: readonly Fault[];
  /** Number of answers by status. */
  readonly statuses: ReadonlyMap<number, number>;
  /** Ids of calls and ways in that succeeded at least once. */
  readonly succeeded: ReadonlySet<string>;
}

const ID = /\b(?:run|dlt|dlv)_[0-9a-z]{26}\b/g;
const MAX_KNOWN = 200;

/** Runs the campaign. The same seed makes the same requests as long as the answers are the same. */
export async function runCampaign(campaign: Campaign): Promise<CampaignResult> {
  const { calls, requests, secrets } = campaign;
  const prng = new Prng(campaign.seed);
  const ways = Object.entries(campaign.ways ?? {});
  const known = [...campaign.known];
  const faults: Fault[] = [];
  const statuses = new Map<number, number>();
  const succeeded = new Set<string>();
  let left = requests;

  async function work(): Promise<void> {
    while (left > 0) {
      left -= 1;
      await one(next());
    }
  }

  /** Draws the next request: each way in is as likely as each call. */
  function next(): FuzzedRequest {
    const ingredients = { authorizations: campaign.authorizations, known };
    const way = ways[prng.between(0, calls.length + ways.length)];
    if (way === undefined) return fuzzRequest(prng, calls, ingredients);
    const [id, make] = way;
    return { ...make(prng, ingredients), id };
  }

  async function one(request: FuzzedRequest): Promise<void> {
    let answer: FuzzedAnswer;
    try {
      answer = await campaign.send(request);
    } catch (error) {
      faults.push({ why: `there is none: ${String(error)}`, request, answer: null });
      return;
    }
    statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
    const why = faultOf(answer, secrets);
    if (why !== null) faults.push({ why, request, answer });
    // A refusal repeats made-up ids, so none is learned from it.
    if (answer.status >= 300) return;
    succeeded.add(request.id);
    for (const [id] of answer.text.matchAll(ID)) if (!known.includes(id)) known.push(id);
    if (known.length > MAX_KNOWN) known.splice(campaign.known.length, known.length - MAX_KNOWN);
  }

  await Promise.all(Array.from({ length: campaign.width }, work));
  return { faults, statuses, succeeded };
}
