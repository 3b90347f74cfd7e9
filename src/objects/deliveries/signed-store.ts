/**
 * SQL about signed deliveries by digest. A delivery writes three rows: begun, answered, deleted.
 */
import { type Begun, type KeptAnswer, KNOWN_FOR_MS } from "../../domain/signed-delivery.ts";
import type { NextDue } from "../../domain/delivery.ts";
import { jsonIn, type Row, type Tables } from "../tables.ts";

const READ = "SELECT token, until, status, answer, answer_until FROM signed WHERE digest = ?";
const BEGIN = `
  INSERT INTO signed (digest, token, until) VALUES (?, ?, ?)
  ON CONFLICT (digest) DO UPDATE
  SET token = excluded.token, until = excluded.until, status = NULL, answer = NULL,
    answer_until = NULL
  WHERE until <= ?`;
const FINISH = `
  UPDATE signed SET status = ?, answer = ?, answer_until = ?, until = ?
  WHERE digest = ? AND token = ? AND status IS NULL`;
const FORGET = "DELETE FROM signed WHERE digest = ? AND token = ? AND status IS NULL";
const FORGET_ANSWERS = `
  UPDATE signed SET answer = NULL, answer_until = NULL
  WHERE digest IN (SELECT digest FROM signed WHERE answer_until <= ? AND until > ? LIMIT ?)`;
const DELETE_OLD =
  "DELETE FROM signed WHERE digest IN (SELECT digest FROM signed WHERE until <= ? LIMIT ?)";
/** The minimum selects the row of `until`: SQLite takes the other columns from there. */
const READ_NEXT = "SELECT min(coalesce(answer_until, until)) AS due, until FROM signed";

/** Limit of rows deleted at a time. */
const AT_A_TIME = 10_000;

export class SignedDeliveryStore {
  readonly #tables: Tables;

  constructor(tables: Tables) {
    this.#tables = tables;
  }

  /**
   * Takes the lease, unless a lease or an answer exists. The same token gets the same lease again.
   */
  begin(digest: string, token: string, now: number, leaseUntil: number): Begun {
    const [row] = this.#tables.rows(READ, digest);
    if (row === undefined || Number(row["until"]) <= now) {
      this.#tables.put(BEGIN, digest, token, leaseUntil, now);
      return { type: "first" };
    }
    if (row["status"] !== null) return { type: "answered", answer: answerIn(row, now) };
    return { type: row["token"] === token ? "first" : "under_way" };
  }

  /** Stores the answer, if this token holds the lease. */
  finish(
    digest: string,
    token: string,
    answer: KeptAnswer,
    until: number,
    answerUntil: number,
  ): boolean {
    const { status, content } = answer;
    const kept = content === null ? [null, null] : [JSON.stringify(content), answerUntil];
    return this.#tables.change(FINISH, status, ...kept, until, digest, token);
  }

  /** Ends the lease, if this token holds it. */
  forget(digest: string, token: string): boolean {
    return this.#tables.change(FORGET, digest, token);
  }

  /** Deletes a batch of expired rows. Returns the next expiry; null without rows. */
  deleteOld(now: number): NextDue | null {
    this.#tables.rows(DELETE_OLD, now, AT_A_TIME);
    this.#tables.rows(FORGET_ANSWERS, now, now, AT_A_TIME);
    const { due, until } = this.#tables.rows(READ_NEXT)[0] ?? {};
    return typeof due === "number"
      ? { until: due, keptMs: KNOWN_FOR_MS - (Number(until) - due) }
      : null;
  }
}

/** Row mapping; only `finish` writes `answer`, as JSON. */
function answerIn(row: Row, now: number): KeptAnswer {
  const status = Number(row["status"]);
  const isKept = row["answer"] !== null && Number(row["answer_until"]) > now;
  return { status, content: isKept ? jsonIn(row, "answer") : null };
}
