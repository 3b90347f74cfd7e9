/** What others may call on the one object that holds the deployment's key. Every call may be made again. */
import type { Versioned } from "../core/version.ts";

/** The answer of the object that holds it. Never logged, never sent to anybody. */
export interface DeploymentKey extends Versioned {
  /** 256 bits as hex. */
  readonly key: string;
}

export interface IdentityRpc {
  /** The deployment's key; the first call makes it. */
  deploymentKey(): Promise<DeploymentKey>;
}
