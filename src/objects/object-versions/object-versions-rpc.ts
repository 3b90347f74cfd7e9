/** RPC of an object that knows the versions of a bucket's objects. */

/**
 * An object as R2 has it now, from a listing or a read. `version` is R2's own, unique for each
 * upload.
 */
export interface SeenVersion {
  readonly key: string;
  readonly etag: string;
  readonly version: string;
  /** Epoch milliseconds. */
  readonly uploadedAt: number;
}

/** The version of a notification, which has no version id: etag and time identify the version. */
export interface NotifiedVersion {
  readonly key: string;
  readonly etag: string;
  /** Time in the notification. ISO 8601. */
  readonly eventTime: string;
  /** The object that R2 now has under this key, if its etag is the same. */
  readonly current: { readonly version: string; readonly uploadedAt: number } | null;
}

/** Wire form of both: `object` is a digest of key and etag. */
export type DigestedVersion = Omit<SeenVersion, "key" | "etag"> & { readonly object: string };
export type DigestedNotified = Omit<NotifiedVersion, "key" | "etag"> & { readonly object: string };

/** The shared identity of a version, independent of its source. */
export interface VersionIdentity {
  readonly identity: string;
  /** The version was stored before. */
  readonly known: boolean;
}

/** Methods that may be retried with the same answer. `keepMs`: minimal retention of a version. */
export interface ObjectVersionsRpc {
  notified(version: DigestedNotified, keepMs: number): Promise<VersionIdentity>;
  /** Returns identities in the order of the versions. */
  listed(versions: readonly DigestedVersion[], keepMs: number): Promise<readonly VersionIdentity[]>;
  /** Returns known identities and stores nothing: null for unknown versions. */
  find(versions: readonly DigestedVersion[]): Promise<readonly (string | null)[]>;
}
