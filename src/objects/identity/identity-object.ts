/**
 * The one object that decides admission. Holds the deployment's key, the source of every value that
 * outsiders must not compute (`docs/design/identity.md`), the created API tokens, and the sessions
 * of the dashboard. The first call makes the key, which never changes. Tokens and cookies are
 * stored as digests only: a reader of this storage cannot log in with the stored values, but the
 * key allows to forge the seal of a cookie.
 *
 * An answer leaves after its data is durable. No await separates a read from a write.
 */
import { DurableObject } from "cloudflare:workers";
import type { DashboardSession, MadeToken } from "../../domain/identity.ts";
import type { SessionId } from "../../domain/ids.ts";
import { FORMAT_VERSION } from "../../domain/version.ts";
import type { DeploymentKey, IdentityRpc, TokenCreation } from "./identity-rpc.ts";
import { IdentityStore } from "./store.ts";
import { log } from "../../platform/log.ts";

const HOUR_MS = 3_600_000;
/** Lifetime of a session, and of an idle session. */
const SESSION_MS = 7 * 24 * HOUR_MS;
const IDLE_MS = 12 * HOUR_MS;
/** Precision of a stored use: a busy token costs a row a minute. */
const USE_NOTED_MS = 60_000;
const MOST_TOKENS = 1_000;
/**
 * Limit of sessions per token: repeated logins with a narrow token end no session of another token.
 */
const MOST_SESSIONS = 100;
const REMEMBERED_CALLS = 1_000;

export class IdentityObject extends DurableObject<Env> implements IdentityRpc {
  readonly #store = new IdentityStore(this.ctx.storage);
  /** Answers of the last deletions by call id: a caller repeats a call whose answer was lost. */
  readonly #answers = new Map<string, boolean>();

  async deploymentKey(): Promise<DeploymentKey> {
    const known = this.#store.deploymentKey();
    if (known !== null) return { v: FORMAT_VERSION, key: known };
    const key = crypto.getRandomValues(new Uint8Array(32)).toHex();
    this.#store.keepDeploymentKey(key, Date.now());
    return { v: FORMAT_VERSION, key };
  }

  async tokens(): Promise<readonly MadeToken[]> {
    return this.#store.tokens();
  }

  async createToken(token: Omit<MadeToken, "createdAt" | "usedAt">): Promise<TokenCreation> {
    const known = this.#store.token(token.name);
    // The repetition of a call whose answer was lost.
    if (known !== null) return known.digest === token.digest ? "created" : "exists";
    if (this.#store.tokens().length >= MOST_TOKENS) return "full";
    this.#store.keepToken({ ...token, createdAt: Date.now(), usedAt: null });
    return "created";
  }

  async deleteToken(name: string, call?: string): Promise<boolean> {
    return this.#once(call, () => this.#store.deleteToken(name));
  }

  async tokenUsed(name: string): Promise<void> {
    const now = Date.now();
    this.#store.useToken(name, now, now - USE_NOTED_MS);
  }

  async startSession(
    session: Pick<DashboardSession, "id" | "token" | "tokenId" | "address">,
  ): Promise<DashboardSession> {
    const now = Date.now();
    const started = { ...session, createdAt: now, seenAt: now, expiresAt: now + SESSION_MS };
    this.#store.keepSession(started);
    this.#store.limitSessions(session.tokenId, MOST_SESSIONS);
    this.#store.forgetSessions(now, now - IDLE_MS);
    if ((await this.ctx.storage.getAlarm()) === null)
      await this.ctx.storage.setAlarm(now + IDLE_MS);
    return this.#store.session(session.id, now, now - IDLE_MS) ?? started;
  }

  async useSession(id: SessionId): Promise<DashboardSession | null> {
    const now = Date.now();
    const session = this.#store.session(id, now, now - IDLE_MS);
    if (session !== null) this.#store.useSession(id, now, now - USE_NOTED_MS);
    return session;
  }

  async session(id: SessionId): Promise<DashboardSession | null> {
    const now = Date.now();
    return this.#store.session(id, now, now - IDLE_MS);
  }

  async endSession(id: SessionId, call?: string): Promise<boolean> {
    return this.#once(call, () => this.#store.endSession(id));
  }

  async sessions(): Promise<readonly DashboardSession[]> {
    const now = Date.now();
    return this.#store.sessions(now, now - IDLE_MS);
  }

  /** Deletes expired sessions. Never rejects: the platform gives an alarm up after six failures. */
  override async alarm(): Promise<void> {
    const now = Date.now();
    try {
      if (this.#store.forgetSessions(now, now - IDLE_MS) === 0) return;
    } catch (error) {
      log("error", "sessions that are over are not deleted", { error });
    }
    await this.ctx.storage.setAlarm(now + IDLE_MS);
  }

  #once(call: string | undefined, end: () => boolean): boolean {
    const known = call === undefined ? undefined : this.#answers.get(call);
    if (known !== undefined) return known;
    const answer = end();
    if (call !== undefined) this.#answers.set(call, answer);
    const [oldest] = this.#answers.keys();
    if (this.#answers.size > REMEMBERED_CALLS && oldest !== undefined) this.#answers.delete(oldest);
    return answer;
  }
}
