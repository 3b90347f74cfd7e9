/** Sends many fuzzed requests and judges each answer. The way to the API comes from outside: a runtime, or the app in a test. */
import { Dice } from "../chaos/dice.ts";
import type { DescribedCall } from "./described-calls.ts";
import { faultOf, type FuzzedAnswer } from "./fault.ts";
import { fuzzRequest, type FuzzedRequest, type Ingredients } from "./fuzzed-request.ts";
import type { WayIn } from "./ways-in.ts";

export interface Campaign {
  readonly calls: readonly DescribedCall[];
  /** Others than those that are described. */
  readonly ways?: Readonly<Record<string, WayIn>>;
  readonly requests: number;
  readonly seed: number;
  readonly authorizations: Ingredients["authorizations"];
  readonly secrets: readonly string[];
  /** Names that are there from the beginning. */
  readonly known: readonly string[];
  /** Sends one request; rejects if no answer came. */
  send(request: FuzzedRequest): Promise<FuzzedAnswer>;
  /** How many at a time. */
  readonly width: number;
}

export interface Fault {
  readonly why: string;
  readonly request: FuzzedRequest;
  readonly answer: FuzzedAnswer | null;
}

export interface CampaignResult {
  readonly faults: readonly Fault[];
  /** How many answers had which status. */
  readonly statuses: ReadonlyMap<number, number>;
  /** Calls and ways that succeeded at least once, by their id. */
  readonly succeeded: ReadonlySet<string>;
}

const ID = /\b(?:run|dlt|dlv)_[0-9a-z]{26}\b/g;
const MAX_KNOWN = 200;

/** Sends them all; the same seed makes the same requests as long as the answers are the same. */
export async function runCampaign(campaign: Campaign): Promise<CampaignResult> {
  const { calls, requests, secrets } = campaign;
  const dice = new Dice(campaign.seed);
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

  /** Each way is as likely as each call. */
  function next(): FuzzedRequest {
    const ingredients = { authorizations: campaign.authorizations, known };
    const way = ways[dice.between(0, calls.length + ways.length)];
    if (way === undefined) return fuzzRequest(dice, calls, ingredients);
    const [id, make] = way;
    return { ...make(dice, ingredients), id };
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
    // A refusal repeats ids that are made up.
    if (answer.status >= 300) return;
    succeeded.add(request.id);
    for (const [id] of answer.text.matchAll(ID)) if (!known.includes(id)) known.push(id);
    if (known.length > MAX_KNOWN) known.splice(campaign.known.length, known.length - MAX_KNOWN);
  }

  await Promise.all(Array.from({ length: campaign.width }, work));
  return { faults, statuses, succeeded };
}
