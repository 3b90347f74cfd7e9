/** Tables of an object as newer code leaves them. */
export function makeNewer({ sql }: DurableObjectStorage, version = 2): void {
  sql.exec("CREATE TABLE IF NOT EXISTS schema_versions (version INTEGER PRIMARY KEY)");
  sql.exec("INSERT INTO schema_versions (version) VALUES (?)", version);
}
