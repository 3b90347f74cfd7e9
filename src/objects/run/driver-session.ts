/**
 * The calls of one driver, in one RPC session with the run. A call inside the session needs no
 * event of its own at the object: a call takes an eighth of a hop less, and is not billed as a
 * request (Durable Objects, pricing). The output gate holds back each answer until the commit is
 * durable, as everywhere.
 */
import { RpcTarget } from "cloudflare:workers";
import type { ClaimRequest, GrantText } from "./lease-rpc.ts";
import type { RunRpc, RunWork } from "./run-rpc.ts";
import type { SettleRequest } from "./settlement-rpc.ts";

export class RunSession extends RpcTarget implements RunWork {
  readonly #run: Pick<RunRpc, keyof RunWork>;

  constructor(run: Pick<RunRpc, keyof RunWork>) {
    super();
    this.#run = run;
  }

  claim(request: ClaimRequest): Promise<GrantText> {
    return this.#run.claim(request);
  }

  settle(request: SettleRequest): Promise<GrantText> {
    return this.#run.settle(request);
  }
}
