/** All SQL of an object that knows the versions of objects. */
import type { MetVersion } from "../../domain/object-version.ts";
import { numberIn, Tables, textIn, type RowStorage } from "../tables.ts";
import { TABLES } from "./schema.ts";

const BY_OBJECT =
  "SELECT identity, event_time, version, uploaded_at FROM versions WHERE object = ?";
const INSERT = `
  INSERT INTO versions (object, identity, event_time, version, uploaded_at, forget_at)
    VALUES (?, ?, ?, ?, ?, ?)`;
const PAIR =
  "UPDATE versions SET event_time = ? WHERE object = ? AND identity = ? AND event_time IS NULL";
const FORGET = "DELETE FROM versions WHERE forget_at <= ?";
const READ_NEXT = "SELECT min(forget_at) AS at FROM versions";

/** A version known from a notification, from a listing, or from both. */
export interface KnownVersion extends MetVersion {
  readonly identity: string;
}

export class ObjectVersionStore {
  readonly #tables: Tables;

  constructor(storage: RowStorage) {
    this.#tables = new Tables(storage, TABLES);
  }

  /** Returns all known versions with the key and etag of this digest. */
  of(object: string): KnownVersion[] {
    return this.#tables.rows(BY_OBJECT, object).map((row) => ({
      identity: textIn(row, "identity"),
      eventTime: typeof row["event_time"] === "string" ? row["event_time"] : null,
      version: typeof row["version"] === "string" ? row["version"] : null,
      uploadedAt: numberIn(row, "uploaded_at"),
    }));
  }

  /**
   * Stores a version until `forgetAt`, epoch milliseconds. Throws if the version is stored already.
   */
  insert(object: string, met: KnownVersion, forgetAt: number): void {
    this.#tables.put(
      INSERT,
      object,
      met.identity,
      met.eventTime,
      met.version,
      met.uploadedAt,
      forgetAt,
    );
  }

  /** Adds the notification to a version that a listing brought first. */
  pair(object: string, identity: string, eventTime: string): void {
    this.#tables.rows(PAIR, eventTime, object, identity);
  }

  /** Deletes expired versions. Returns the next expiry; null without versions. */
  forget(now: number): number | null {
    this.#tables.rows(FORGET, now);
    return numberIn(this.#tables.rows(READ_NEXT)[0], "at");
  }

  /** Deletes all rows and the alarm. */
  async deleteAll(): Promise<void> {
    await this.#tables.deleteAll();
  }
}
