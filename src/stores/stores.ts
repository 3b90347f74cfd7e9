/**
 * `peach/stores`: clients of the stores that tasks and endpoints use, and an embedded index of
 * vectors. A client is opened for the attempt or request that uses it, with limits of time, and
 * closed with it, however that ends.
 *
 * @example
 * import { redis, vectors } from "peach/stores";
 */
export type {
  Metadata,
  MetadataCondition,
  MetadataFilter,
  MetadataRange,
  MetadataValue,
} from "../domain/vectors/metadata-filter.ts";
export { StoreBusyError, StoreError, StoreRefusedError, type StoreName } from "./errors.ts";
export { influx, type InfluxOptions, type InfluxStore } from "./influx.ts";
export { line, type InfluxPoint, type InfluxValue } from "./line-protocol.ts";
export type { InfluxPrecision, InfluxRow } from "./influx-api.ts";
export {
  milvus,
  type MilvusDelete,
  type MilvusEntity,
  type MilvusGet,
  type MilvusInsert,
  type MilvusOptions,
  type MilvusQuery,
  type MilvusSearch,
  type MilvusStore,
} from "./milvus.ts";
export { redis, type RedisOptions, type RedisStore, type RedisValue } from "./redis.ts";
export {
  vectors,
  type VectorItem,
  type VectorsMatch,
  type VectorsOptions,
  type VectorsStore,
} from "./vectors.ts";
