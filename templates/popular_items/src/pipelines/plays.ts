/**
 * Plays, counted by the hour, in InfluxDB where `INFLUX_URL` is set, else in files of the bucket
 * `uploads`.
 */
import { influx, line } from "peach/stores";
import { hourOf, type Counts } from "./windows.ts";

/** Where plays are kept and counted. */
export interface PlayStore {
  keep(plays: Counts): Promise<void>;
  /** Reads how often each item was played in each hour. `hours`: newest first, without a gap. */
  countsOf(hours: readonly string[]): Promise<Counts[]>;
}

/** Hours that are read at the same time. */
const AT_ONCE = 6;
/** A delivery of an hour may be kept when the next one has begun; none comes later than that. */
const OPEN_HOURS = 2;

export function playStore({ INFLUX_URL, UPLOADS }: Env): PlayStore {
  return INFLUX_URL === undefined || INFLUX_URL === "" ? inFiles(UPLOADS) : inInflux();
}

/** A point for each item of a delivery. The queries are those of InfluxDB 1. */
function inInflux(): PlayStore {
  const store = influx();
  return {
    keep: async (plays) => {
      // Points of one item and one time replace each other, so a delivery has a nanosecond of its own.
      const nanosecond = Math.floor(Math.random() * 1e6);
      const at = BigInt(Date.now()) * 1_000_000n + BigInt(nanosecond);
      await store.write(
        [...plays].map(
          ([item, count]) => `${line("plays", { tags: { item }, fields: { count: BigInt(count) } })} ${at}`,
        ),
      );
    },
    countsOf: async (hours) => {
      const rows = await store.query(
        `SELECT sum("count") AS plays FROM plays WHERE time >= '${hours.at(-1)}:00:00Z' GROUP BY time(1h), item fill(none)`,
      );
      const byHour = Map.groupBy(rows, ({ time }) => hourOf(new Date(String(time))));
      return hours.map(
        (hour) => new Map((byHour.get(hour) ?? []).map(({ item, plays }) => [String(item), Number(plays)])),
      );
    },
  };
}

/** A file of counts for each delivery, in a folder an hour. An hour that is over is one file. */
function inFiles(bucket: R2Bucket): PlayStore {
  return {
    keep: async (plays) => {
      const now = new Date();
      const key = `plays/${hourOf(now)}/${now.toISOString()}-${crypto.randomUUID()}.json`;
      await bucket.put(key, jsonOf(plays));
    },
    countsOf: async (hours) => {
      const counts: Counts[] = [];
      for (let from = 0; from < hours.length; from += AT_ONCE)
        counts.push(
          ...(await Promise.all(
            hours.slice(from, from + AT_ONCE).map((hour, index) => hourIn(bucket, hour, from + index >= OPEN_HOURS)),
          )),
        );
      return counts;
    },
  };
}

/** Counts the plays of an hour. `isOver`: no more plays of it come in. */
async function hourIn(bucket: R2Bucket, hour: string, isOver: boolean): Promise<Counts> {
  const whole = `hours/${hour}.json`;
  const counted = isOver ? await bucket.get(whole) : null;
  if (counted !== null) return new Map(await counted.json<[string, number][]>());
  const sums = new Map<string, number>();
  let cursor: string | undefined;
  do {
    const page = await bucket.list({
      prefix: `plays/${hour}/`,
      ...(cursor === undefined ? {} : { cursor }),
    });
    for (const { key } of page.objects) {
      const plays = (await (await bucket.get(key))?.json<[string, number][]>()) ?? [];
      for (const [item, count] of plays) sums.set(item, (sums.get(item) ?? 0) + count);
    }
    cursor = page.truncated ? page.cursor : undefined;
  } while (cursor !== undefined);
  if (isOver) await bucket.put(whole, jsonOf(sums));
  return sums;
}

function jsonOf(counts: Counts): string {
  return JSON.stringify([...counts]);
}
