/** What others may call on an object that knows the versions of the objects of a bucket, and what goes over the wire. */

/** An object as R2 has it now, told by a listing or a look at it. `version` is R2's own, unique for each upload. */
export interface SeenVersion {
  readonly key: string;
  readonly etag: string;
  readonly version: string;
  /** Epoch milliseconds. */
  readonly uploadedAt: number;
}

/** A version that a notification is about. It names none: etag and time stand for it. */
export interface NotifiedVersion {
  readonly key: string;
  readonly etag: string;
  /** As the notification has it. ISO 8601. */
  readonly eventTime: string;
  /** What R2 has under this key now, if its etag is the same. */
  readonly current: { readonly version: string; readonly uploadedAt: number } | null;
}

/** Both as they go over the wire: `object` is a digest of key and etag. */
export type DigestedVersion = Omit<SeenVersion, "key" | "etag"> & { readonly object: string };
export type DigestedNotified = Omit<NotifiedVersion, "key" | "etag"> & { readonly object: string };

/** What everybody calls a version, whichever way it was met first. */
export interface VersionIdentity {
  readonly identity: string;
  /** Whether it was met before. */
  readonly known: boolean;
}

/** All methods may be called again with the same answer. `keepMs`: how long a version is remembered at least. */
export interface VersionsRpc {
  notified(version: DigestedNotified, keepMs: number): Promise<VersionIdentity>;
  /** In the order given. */
  listed(versions: readonly DigestedVersion[], keepMs: number): Promise<readonly VersionIdentity[]>;
  /** The same without remembering them: null for those that were not met before. */
  find(versions: readonly DigestedVersion[]): Promise<readonly (string | null)[]>;
}
