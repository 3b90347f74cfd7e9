/** RPC of the one object that decides admission. Every call may be retried. */
import type { DashboardSession, MadeToken } from "../../domain/identity.ts";
import type { SessionId } from "../../domain/ids.ts";
import type { Versioned } from "../../domain/version.ts";

/** The deployment's key. Never logged, never sent outside the deployment. */
export interface DeploymentKey extends Versioned {
  /** 256 bits as hex. */
  readonly key: string;
}

/**
 * Outcome of a creation. `exists`: another token has this name. `full`: the limit of tokens is
 * reached.
 */
export type TokenCreation = "created" | "exists" | "full";

export interface IdentityRpc {
  /** Returns the deployment's key; the first call makes the key. */
  deploymentKey(): Promise<DeploymentKey>;

  /** Returns all created tokens by name, also expired ones; deleted tokens are gone. */
  tokens(): Promise<readonly MadeToken[]>;
  createToken(token: Omit<MadeToken, "createdAt" | "usedAt">): Promise<TokenCreation>;
  /**
   * Deletes a token; false without a token of this name. `call`: id of the call, which recognizes a
   * repetition; older code sends none.
   */
  deleteToken(name: string, call?: string): Promise<boolean>;
  /** Notes a use of the token. */
  tokenUsed(name: string): Promise<void>;

  startSession(
    session: Pick<DashboardSession, "id" | "token" | "tokenId" | "address">,
  ): Promise<DashboardSession>;
  /** Returns an open session, and notes its use. */
  useSession(id: SessionId): Promise<DashboardSession | null>;
  /** Returns an open session without a use. */
  session(id: SessionId): Promise<DashboardSession | null>;
  /** Ends a session; false if absent. `call`: id of the call, as for `deleteToken`. */
  endSession(id: SessionId, call?: string): Promise<boolean>;
  /** Returns open sessions, newest first. */
  sessions(): Promise<readonly DashboardSession[]>;
}
