/**
 * Knows which versions of a bucket's objects were met, by a notification or by a listing, so that both name the runs of a version
 * alike: a listing finds what was missed, and starts nothing that was not. One object for a share of the bucket's keys.
 *
 * A version is remembered for as long as its runs may be there and its notification may still come; after that a notification
 * that comes again is a new one. It is known by a digest, so that nothing of the object is left when its runs are gone.
 */
import { DurableObject } from "cloudflare:workers";
import { identityOfListed, versionNotified } from "../../domain/object-version.ts";
import { VersionStore, type KnownVersion } from "./store.ts";
import type {
  DigestedNotified,
  DigestedVersion,
  VersionIdentity,
  VersionsRpc,
} from "./object-versions-rpc.ts";

/** An alarm is a row written: what comes due within a day is deleted together. */
const EXPIRY_PAUSE_MS = 86_400_000;

export class VersionsObject extends DurableObject<Env> implements VersionsRpc {
  readonly #store: VersionStore;
  #isAlarmSet = false;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#store = new VersionStore(ctx.storage);
  }

  async notified(
    { object, eventTime, current }: DigestedNotified,
    keepMs: number,
  ): Promise<VersionIdentity> {
    const met = this.#store.of(object);
    const same = met.find((one) => one.eventTime === eventTime);
    if (same !== undefined) return { identity: same.identity, known: true };
    const listed = versionNotified(met, Date.parse(eventTime), current);
    if (listed !== null) {
      this.#store.pair(object, listed.identity, eventTime);
      return { identity: listed.identity, known: true };
    }
    // The current version is this one, unless another notification was there before.
    const isFree = current !== null && !met.some(({ version }) => version === current.version);
    const [version, uploadedAt] = isFree ? [current.version, current.uploadedAt] : [null, null];
    await this.#remember(object, { identity: eventTime, eventTime, version, uploadedAt }, keepMs);
    return { identity: eventTime, known: false };
  }

  async listed(
    versions: readonly DigestedVersion[],
    keepMs: number,
  ): Promise<readonly VersionIdentity[]> {
    const identities: VersionIdentity[] = [];
    for (const seen of versions) {
      const known = this.#find(seen);
      const { object, version, uploadedAt } = seen;
      const identity = known ?? identityOfListed(version);
      if (known === null)
        await this.#remember(object, { identity, eventTime: null, version, uploadedAt }, keepMs);
      identities.push({ identity, known: known !== null });
    }
    return identities;
  }

  async find(versions: readonly DigestedVersion[]): Promise<readonly (string | null)[]> {
    return versions.map((seen) => this.#find(seen));
  }

  /** Never rejects: the platform gives an alarm up after six failures. */
  override async alarm(): Promise<void> {
    try {
      const next = this.#store.forget(Date.now());
      if (next !== null) return await this.#setAlarm(next);
      await this.#store.deleteAll();
      this.#isAlarmSet = false;
    } catch (error) {
      console.error(
        JSON.stringify({
          message: "old versions not deleted",
          object: this.ctx.id.name,
          error: String(error),
        }),
      );
      await this.#setAlarm(0);
    }
  }

  #find({ object, version }: DigestedVersion): string | null {
    return this.#store.of(object).find((one) => one.version === version)?.identity ?? null;
  }

  /** Recorded before anything is waited for: of two calls about one version the second finds it. */
  async #remember(object: string, met: KnownVersion, keepMs: number): Promise<void> {
    const forgetAt = Date.now() + keepMs;
    this.#store.insert(object, met, forgetAt);
    if (this.#isAlarmSet) return;
    if ((await this.ctx.storage.getAlarm()) === null) await this.#setAlarm(forgetAt);
    this.#isAlarmSet = true;
  }

  async #setAlarm(at: number): Promise<void> {
    await this.ctx.storage.setAlarm(Math.max(at, Date.now() + EXPIRY_PAUSE_MS));
  }
}
