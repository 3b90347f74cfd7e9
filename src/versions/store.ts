/** All SQL of an object that knows the versions of objects. */
import { NewerFormatError } from "../core/version.ts";
import { CREATE_SCHEMA_VERSIONS, MIGRATIONS } from "./schema.ts";

const HAS_TABLES = "SELECT 1 AS present FROM sqlite_master WHERE type = 'table' AND name = 'versions'";
const READ_SCHEMA = "SELECT coalesce(max(version), 0) AS version FROM schema_versions";
const NOTE_SCHEMA = "INSERT INTO schema_versions (version) VALUES (?)";
const BY_OBJECT = "SELECT identity, event_time, version, uploaded_at FROM versions WHERE object = ?";
const INSERT = `
  INSERT INTO versions (object, identity, event_time, version, uploaded_at, forget_at) VALUES (?, ?, ?, ?, ?, ?)`;
const PAIR = "UPDATE versions SET event_time = ? WHERE object = ? AND identity = ? AND event_time IS NULL";
const FORGET = "DELETE FROM versions WHERE forget_at <= ?";
const READ_NEXT = "SELECT min(forget_at) AS at FROM versions";

/** A version that was met: by a notification, by a listing, or by both. */
export interface KnownVersion {
  readonly identity: string;
  readonly eventTime: string | null;
  readonly version: string | null;
  readonly uploadedAt: number | null;
}

export class VersionStore {
  readonly #storage: DurableObjectStorage;
  #isOpen = false;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** All known versions with the key and etag of this digest. */
  of(object: string): KnownVersion[] {
    if (!this.#openIfThere()) return [];
    return this.#storage.sql
      .exec(BY_OBJECT, object)
      .toArray()
      .map((row) => ({
        identity: typeof row["identity"] === "string" ? row["identity"] : "",
        eventTime: typeof row["event_time"] === "string" ? row["event_time"] : null,
        version: typeof row["version"] === "string" ? row["version"] : null,
        uploadedAt: typeof row["uploaded_at"] === "number" ? row["uploaded_at"] : null,
      }));
  }

  /** Kept until `forgetAt`, epoch milliseconds. Throws if the version is there already. */
  insert(object: string, met: KnownVersion, forgetAt: number): void {
    this.#open();
    this.#storage.sql.exec(INSERT, object, met.identity, met.eventTime, met.version, met.uploadedAt, forgetAt);
  }

  /** The notification of a version that a listing had met first. */
  pair(object: string, identity: string, eventTime: string): void {
    this.#storage.sql.exec(PAIR, eventTime, object, identity);
  }

  /** Deletes what has been kept long enough. Returns when the next of the rest has been, or null if nothing is left. */
  forget(now: number): number | null {
    if (!this.#openIfThere()) return null;
    this.#storage.sql.exec(FORGET, now);
    const at = this.#storage.sql.exec(READ_NEXT).one()["at"];
    return typeof at === "number" ? at : null;
  }

  /** Deletes everything, the alarm included. */
  async deleteAll(): Promise<void> {
    await this.#storage.deleteAll();
    this.#isOpen = false;
  }

  /** Nobody who only asks leaves tables behind. */
  #openIfThere(): boolean {
    if (!this.#isOpen && this.#storage.sql.exec(HAS_TABLES).toArray().length === 0) return false;
    this.#open();
    return true;
  }

  /** Brings the tables to this code's version. */
  #open(): void {
    if (this.#isOpen) return;
    const { sql } = this.#storage;
    this.#storage.transactionSync(() => {
      sql.exec(CREATE_SCHEMA_VERSIONS);
      const version = Number(sql.exec(READ_SCHEMA).one()["version"]);
      if (version > MIGRATIONS.length) {
        throw new NewerFormatError("the object of versions", `schema ${version}`, MIGRATIONS.length);
      }
      for (const [index, migration] of MIGRATIONS.entries()) {
        if (index < version) continue;
        sql.exec(migration);
        sql.exec(NOTE_SCHEMA, index + 1);
      }
    });
    this.#isOpen = true;
  }
}
