/** What wrangler deploys. Wiring is in src/worker. */
export * from "./worker/worker.ts";
export { default } from "./worker/worker.ts";
