/** What wrangler deploys. Wiring is in src/worker. */
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
