/**
 * The one object that holds the deployment's key, from which everything is derived that nobody outside may compute
 * (`docs/design/identity.md`). The key is made by the first call and never changes.
 */
import { DurableObject } from "cloudflare:workers";
import { FORMAT_VERSION } from "../core/version.ts";
import type { DeploymentKey, IdentityRpc } from "./identity-rpc.ts";
import { IdentityStore } from "./store.ts";

export class IdentityObject extends DurableObject<Env> implements IdentityRpc {
  readonly #store: IdentityStore;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#store = new IdentityStore(ctx.storage);
  }

  /** Nothing is awaited between the look and the write, and the answer leaves once the key is durable: all callers get the same. */
  async deploymentKey(): Promise<DeploymentKey> {
    const known = this.#store.deploymentKey();
    if (known !== null) return { v: FORMAT_VERSION, key: known };
    const key = crypto.getRandomValues(new Uint8Array(32)).toHex();
    this.#store.keepDeploymentKey(key, Date.now());
    return { v: FORMAT_VERSION, key };
  }
}
