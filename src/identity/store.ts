/** All SQL of the identity object. */
import { NewerFormatError } from "../core/version.ts";
import { CREATE_SCHEMA_VERSIONS, MIGRATIONS } from "./schema.ts";

const READ_SCHEMA = "SELECT coalesce(max(version), 0) AS version FROM schema_versions";
const NOTE_SCHEMA = "INSERT INTO schema_versions (version) VALUES (?)";
const READ_KEY = "SELECT key FROM deployment_key WHERE id = 1";
const KEEP_KEY = "INSERT INTO deployment_key (id, key, made_at) VALUES (1, ?, ?)";

export class IdentityStore {
  readonly #storage: DurableObjectStorage;
  #isOpen = false;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** The deployment's key as hex, or null before it is made. */
  deploymentKey(): string | null {
    const key = this.#rows(READ_KEY)[0]?.["key"];
    return typeof key === "string" ? key : null;
  }

  /** Keeps the key for good. Throws if there is one already. `madeAt`: epoch milliseconds. */
  keepDeploymentKey(key: string, madeAt: number): void {
    this.#rows(KEEP_KEY, key, madeAt);
  }

  #rows(query: string, ...values: (string | number | null)[]): Record<string, unknown>[] {
    this.#open();
    return this.#storage.sql.exec(query, ...values).toArray();
  }

  /** Brings the tables to this code's version. */
  #open(): void {
    if (this.#isOpen) return;
    const { sql } = this.#storage;
    this.#storage.transactionSync(() => {
      sql.exec(CREATE_SCHEMA_VERSIONS);
      const version = Number(sql.exec(READ_SCHEMA).one()["version"]);
      if (version > MIGRATIONS.length) {
        throw new NewerFormatError("the identity object", `schema ${version}`, MIGRATIONS.length);
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
