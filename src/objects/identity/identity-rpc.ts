/** What others may call on the one object that knows who may come in. Every call may be made again. */
import type { DashboardSession, MadeToken } from "../../domain/identity.ts";
import type { SessionId } from "../../domain/ids.ts";
import type { Versioned } from "../../domain/version.ts";

/** Never logged, never sent to anybody. */
export interface DeploymentKey extends Versioned {
  /** 256 bits as hex. */
  readonly key: string;
}

/** `exists`: another token has this name. `full`: there are as many tokens as there may be. */
export type TokenCreation = "created" | "exists" | "full";

export interface IdentityRpc {
  /** The deployment's key; the first call makes it. */
  deploymentKey(): Promise<DeploymentKey>;

  /** All tokens that were made and not deleted, expired ones as well, by their names. */
  tokens(): Promise<readonly MadeToken[]>;
  createToken(token: Omit<MadeToken, "createdAt" | "usedAt">): Promise<TokenCreation>;
  /** False: there is none of this name. `call`: its id, by which it is known if it comes again; older code has none. */
  deleteToken(name: string, call?: string): Promise<boolean>;
  /** The token was used just now. */
  tokenUsed(name: string): Promise<void>;

  startSession(
    session: Pick<DashboardSession, "id" | "token" | "tokenId" | "address">,
  ): Promise<DashboardSession>;
  /** The session if it is not over; asking for it is using it. */
  useSession(id: SessionId): Promise<DashboardSession | null>;
  /** The same without using it. */
  session(id: SessionId): Promise<DashboardSession | null>;
  /** False: there is none. `call`: likewise. */
  endSession(id: SessionId, call?: string): Promise<boolean>;
  /** Those that are not over, the newest first. */
  sessions(): Promise<readonly DashboardSession[]>;
}
