/**
 * Knows the versions of a bucket's objects from notifications and listings, so that both
 * use one identity for the runs of a version: a listing finds missed versions, and starts no known
 * version again. One object per share of the bucket's keys.
 *
 * A version is stored as long as its runs may exist and its notification may still come; later the
 * same notification is a new one. The version is stored as a digest, so that nothing of the object
 * is left after its runs.
 */
import { DurableObject } from "cloudflare:workers";
import { identityOfListed, versionNotified } from "../../domain/object-version.ts";
import { ObjectVersionStore, type KnownVersion } from "./store.ts";
import type {
  DigestedNotified,
  DigestedVersion,
  VersionIdentity,
  ObjectVersionsRpc,
} from "./object-versions-rpc.ts";
import { log } from "../../platform/log.ts";

/**
 * Delay that collects expirations: an alarm is a row written. Versions that expire within a day are
 * deleted together.
 */
const EXPIRY_DELAY_MS = 86_400_000;

export class ObjectVersionsObject extends DurableObject<Env> implements ObjectVersionsRpc {
  readonly #store = new ObjectVersionStore(this.ctx.storage);
  #isAlarmSet = false;

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
    // The current version is the notified one, unless known from another notification.
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

  /** Handles the alarm. Never rejects: the platform gives an alarm up after six failures. */
  override async alarm(): Promise<void> {
    try {
      const next = this.#store.forget(Date.now());
      if (next !== null) return await this.#setAlarm(next);
      await this.#store.deleteAll();
      this.#isAlarmSet = false;
    } catch (error) {
      log("error", "old versions not deleted", { object: this.ctx.id.name, error });
      await this.#setAlarm(0);
    }
  }

  #find({ object, version }: DigestedVersion): string | null {
    return this.#store.of(object).find((one) => one.version === version)?.identity ?? null;
  }

  /** Stored before the first await: of two calls about one version the second finds the row. */
  async #remember(object: string, met: KnownVersion, keepMs: number): Promise<void> {
    const forgetAt = Date.now() + keepMs;
    this.#store.insert(object, met, forgetAt);
    if (this.#isAlarmSet) return;
    if ((await this.ctx.storage.getAlarm()) === null) await this.#setAlarm(forgetAt);
    this.#isAlarmSet = true;
  }

  async #setAlarm(at: number): Promise<void> {
    await this.ctx.storage.setAlarm(Math.max(at, Date.now() + EXPIRY_DELAY_MS));
  }
}
