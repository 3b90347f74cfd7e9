import type { AuditEntry, AuditFilter, AuditPage } from "../../domain/audit-entry.ts";

/** What others may call on the object that keeps the audit. Nothing that changes or removes an entry. */
export interface AuditRpc {
  /** Appends entries. The same batch (by its id) again changes nothing. */
  append(batch: string, entries: readonly AuditEntry[]): Promise<void>;
  /** At most `limit` entries that fit, the newest, or those before `before`. */
  list(filter: AuditFilter, limit: number, before: number | null): Promise<AuditPage>;
}
