/**
 * The entry of the deployed worker, named by `main` in wrangler.toml: the handlers, and the classes
 * that the platform makes by name. Each class is written out: `wrangler types` does not follow
 * `export *`.
 *
 * Tests and commands import the parts of the worker from their folders, never from here. The wiring
 * is in src/worker.
 */
export {
  AlertEntrypoint,
  AuditObject,
  CatalogObject,
  PausesObject,
  DeadLettersObject,
  DeathsObject,
  DebounceObject,
  DeliveriesObject,
  TaskDirectoryObject,
  DriverEntrypoint,
  ExecutorObject,
  IdentityObject,
  LimitListObject,
  LimitObject,
  RunObject,
  SchedulesObject,
  ObjectVersionsObject,
} from "./worker/worker.ts";
export { default } from "./worker/worker.ts";

/** Our own service binding for the print desk. */
export { PrintDesk } from "./pipelines/print-desk.ts";
