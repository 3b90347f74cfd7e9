import type { AuditEntry, AuditFilter, AuditPage } from "../../domain/audit-entry.ts";

/** RPC of the object of the audit. No method changes or removes an entry. */
export interface AuditRpc {
  /** Appends entries. The same batch, by its id, changes nothing. */
  append(batch: string, entries: readonly AuditEntry[]): Promise<void>;
  /** Returns at most `limit` matching entries: the newest, or the ones before `before`. */
  list(filter: AuditFilter, limit: number, before: number | null): Promise<AuditPage>;
}
