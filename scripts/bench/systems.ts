/** The systems under test, driven from outside over HTTP. */
import { randomUUID } from "node:crypto";
import * as z from "zod";
import { lastTaskOf } from "./conf.ts";
import type { Recorder } from "./recorder.ts";
import type { Baton, WorkName } from "./worker/works.ts";

export const SYSTEMS = ["peach", "workflows", "bound"] as const;
export type SystemName = (typeof SYSTEMS)[number];

export interface MeasuredRun {
  /** Time from sending the trigger to its 202. */
  readonly acceptedMs: number;
  /**
   * Time from sending the trigger to the first line of the first task. For a deployed URL, from the
   * run's `created_at`.
   */
  readonly toCodeMs: number;
  /** Stamps of the work's tasks: epoch milliseconds, whole ones. */
  readonly stamps: readonly number[];
}

/** The answer to a trigger that may be refused. */
export type Offer =
  | {
      readonly type: "accepted";
      readonly acceptedMs: number;
      /** Resolves at the end of the run. */
      readonly ended: Promise<unknown>;
    }
  /** The client may send the trigger again after this time. */
  | { readonly type: "refused"; readonly retryAfterMs: number };

/**
 * A system under test. Rejects if a trigger is refused, or if a run does not end within three
 * minutes.
 */
export interface System {
  readonly name: SystemName;
  /** Executes one run. `padBytes`: the size of the passed payloads. */
  run(work: WorkName, padBytes?: number): Promise<MeasuredRun>;
  /** Triggers a run if the system accepts it now. Absent where the end of a run is not reported. */
  offer?(work: WorkName, padBytes: number): Promise<Offer>;
  /** Restarts the runtime after it broke. Absent for Peach, which must not break. */
  restart?(): Promise<void>;
}

const RUN_LIMIT_MS = 180_000;
const POLL_MS = 100;
/** A whole millisecond is half over on average. */
const HALF_TICK_MS = 0.5;

/**
 * A system on this machine: its tasks use this machine's clock, and its last task reports to the
 * recorder.
 */
export function localSystem(
  name: SystemName,
  recorder: Recorder,
  urlOf: (work: WorkName) => string,
  { token, restart }: { readonly token?: string; readonly restart?: () => Promise<void> } = {},
): System {
  return {
    name,
    ...(restart === undefined ? {} : { restart }),
    async run(work, padBytes = 0) {
      const baton = newBaton(padBytes, recorder.url);
      const ended = recorder.stampsOf(baton.id);
      // The rejection is handled below; the trigger's own may come first.
      ended.catch(() => undefined);
      const { sentAt, acceptedMs } = await trigger(urlOf(work), baton, token);
      const stamps = await ended;
      return { acceptedMs, toCodeMs: first(stamps) + HALF_TICK_MS - sentAt, stamps };
    },
    async offer(work, padBytes) {
      const baton = newBaton(padBytes, recorder.url);
      const ended = recorder.endOf(baton.id);
      const sentAt = preciseNow();
      const answer = await post(urlOf(work), baton, token);
      const text = await answer.text();
      const acceptedMs = preciseNow() - sentAt;
      if (answer.status === 202) return { type: "accepted", acceptedMs, ended };
      recorder.forget(baton.id);
      if (!REFUSED.has(answer.status)) throw unexpectedAnswer(urlOf(work), answer, text);
      return {
        type: "refused",
        retryAfterMs: 1_000 * Number(answer.headers.get("Retry-After") ?? 1),
      };
    },
  };
}

/** Statuses of an overloaded system; the local Workflows engine answers 500. */
const REFUSED: ReadonlySet<number> = new Set([429, 500, 503]);

/** Peach's trigger address of a work. */
export function peachTrigger(url: string): (work: WorkName) => string {
  return (work) => `${url}/api/v1/tasks/${work}/trigger`;
}

const RUN = z.object({
  status: z.string(),
  created_at: z.string(),
  finished_at: z.string().nullable(),
});
const STAMPS = z.object({ stamps: z.array(z.number()) });

/**
 * A deployed Peach that runs the bench's peach.conf. The bench polls for the end of a run and reads
 * the stamps from the last task's output: all stamps are from the edge's clock.
 */
export function deployedPeach(url: string, token: string): System {
  const headers = { Authorization: `Bearer ${token}` };
  const read = async (path: string): Promise<unknown> => {
    const answer = await fetch(`${url}/api/v1${path}`, {
      headers,
      signal: AbortSignal.timeout(RUN_LIMIT_MS),
    });
    if (!answer.ok)
      throw new Error(
        `GET ${path} answered ${answer.status}: ${(await answer.text()).slice(0, 300)}`,
      );
    return answer.json();
  };
  return {
    name: "peach",
    async run(work, padBytes = 0) {
      const { runId, acceptedMs } = await trigger(
        peachTrigger(url)(work),
        newBaton(padBytes, null),
        token,
      );
      const end = Date.now() + RUN_LIMIT_MS;
      let run = RUN.parse(await read(`/runs/${runId}`));
      while (run.finished_at === null) {
        if (Date.now() > end)
          throw new Error(`the run ${runId} has not ended within ${RUN_LIMIT_MS / 1_000} s`);
        await new Promise((wake) => setTimeout(wake, POLL_MS));
        run = RUN.parse(await read(`/runs/${runId}`));
      }
      if (run.status !== "succeeded") throw new Error(`the run ${runId} has ${run.status}`);
      const { stamps } = STAMPS.parse(
        await read(`/runs/${runId}/tasks/${lastTaskOf(work)}/payload`),
      );
      return { acceptedMs, toCodeMs: first(stamps) - Date.parse(run.created_at), stamps };
    },
  };
}

const ACCEPTED = z.object({ run_id: z.string().optional() });

async function trigger(
  url: string,
  baton: Baton,
  token: string | undefined,
): Promise<{ readonly sentAt: number; readonly acceptedMs: number; readonly runId: string }> {
  const sentAt = preciseNow();
  const answer = await post(url, baton, token);
  const acceptedMs = preciseNow() - sentAt;
  const text = await answer.text();
  if (answer.status !== 202) throw unexpectedAnswer(url, answer, text);
  return { sentAt, acceptedMs, runId: ACCEPTED.parse(JSON.parse(text)).run_id ?? baton.id };
}

function post(url: string, baton: Baton, token: string | undefined): Promise<Response> {
  const headers = {
    "Content-Type": "application/json",
    ...(token !== undefined && { Authorization: `Bearer ${token}` }),
  };
  const body = JSON.stringify(baton);
  return fetch(url, { method: "POST", body, headers, signal: AbortSignal.timeout(RUN_LIMIT_MS) });
}

function unexpectedAnswer(url: string, { status }: Response, text: string): Error {
  return new Error(`POST ${url} answered ${status}: ${text.slice(0, 300)}`);
}

function newBaton(padBytes: number, report: string | null): Baton {
  return { id: randomUUID(), report, stamps: [], pad: "k".repeat(padBytes) };
}

function preciseNow(): number {
  return performance.timeOrigin + performance.now();
}

function first(stamps: readonly number[]): number {
  const [stamp] = stamps;
  if (stamp === undefined) throw new Error("a run has reported no stamps");
  return stamp;
}
