/**
 * Prepares drivers' reports for the machine: the bytes of small payloads and log lines get a place
 * in the next journal entry, and the machine sees references only.
 */
import { descriptionOf, type NewPayload, type PayloadRef } from "../../domain/payload.ts";
import type { FinalRun, TaskOutput } from "../../domain/run/task-state.ts";
import type { LogRef } from "../../domain/run/attempt.ts";
import type { RunGenesis } from "../../domain/run/state.ts";
import type { Outcome, MachineEvent, SettledAttempt } from "../../domain/run/machine-events.ts";
import type { JournalBytes } from "./journal-bytes.ts";
import type { AcceptRequest } from "./accept-rpc.ts";
import type { AttemptOutcome, LogLine, Settlement } from "./settlement-rpc.ts";
import type { CompletionReport } from "./completion-rpc.ts";
import type { FinalNotice } from "./run-rpc.ts";

/** Builds the genesis of an accepted trigger, with bytes placed. */
export function genesisOf(
  request: AcceptRequest,
  data: JournalBytes,
  createdAt: number,
): RunGenesis {
  const {
    runId: id,
    graph,
    origin,
    nonce,
    digest,
    key,
    limitKeys,
    completionKey,
    recorded,
  } = request;
  return {
    id,
    graph,
    origin,
    payload: placePayload(request.payload, data),
    ...(limitKeys !== undefined && { limitKeys }),
    createdAt,
    nonce,
    ...(digest !== undefined && { digest }),
    ...(key !== undefined && { key }),
    ...(completionKey !== undefined && { completionKey }),
    ...(recorded !== undefined && {
      recorded: recorded.map((input) => ({ ...input, payload: placePayload(input.payload, data) })),
    }),
  };
}

/** Builds the event of a later trigger of a debounced task, with bytes placed. */
export function postponementOf(
  request: AcceptRequest & { readonly delayMs: number },
  data: JournalBytes,
): Extract<MachineEvent, { readonly type: "postponed" }> {
  const { delayMs, maxWaitMs, limitKeys, nonce, key, digest, origin } = request;
  return {
    type: "postponed",
    payload: placePayload(request.payload, data),
    delayMs,
    ...(maxWaitMs !== undefined && { maxWaitMs }),
    ...(limitKeys !== undefined && { limitKeys }),
    joined: { id: key ?? nonce, nonce, ...(digest !== undefined && { digest }) },
    ...(origin.parent !== null && { by: origin.parent.runId }),
  };
}

const OUTCOMES = {
  succeeded: true,
  failed: true,
  timed_out: true,
  lost: true,
  undeployed: true,
  waiting: true,
  suspended: true,
} satisfies Record<AttemptOutcome["type"], true>;

/**
 * Outcome for an unknown report of newer code: the result cannot be kept, and the attempt is
 * repeated.
 */
const NOT_UNDERSTOOD: Outcome = {
  type: "lost",
  to: "surroundings",
  error: {
    name: "NewerFormatError",
    message: "newer code ran the attempt than keeps the run: what it reported was not understood",
    stack: null,
  },
};

/** Returns the settlement with bytes placed. `isKnown`: this code knows the format. */
export function storeSettlement(
  settlement: Settlement,
  data: JournalBytes,
  isKnown = true,
): SettledAttempt {
  const { ordinal, attempt, token, children } = settlement;
  return {
    ordinal,
    attempt,
    token,
    children,
    outcome:
      isKnown && settlement.outcome.type in OUTCOMES
        ? placeOutcome(settlement.outcome, data)
        : NOT_UNDERSTOOD,
    logs: placeLogs(settlement, data),
    ...(settlement.progress !== undefined && { progress: settlement.progress }),
  };
}

/** Returns the output of a completed external task, with bytes placed. */
export function placeCompletion(
  { output, limitKeys }: Extract<CompletionReport["outcome"], { readonly type: "succeeded" }>,
  data: JournalBytes,
): TaskOutput {
  return {
    output: placePayload(output, data),
    to: null,
    ...(limitKeys !== undefined && { limitKeys }),
  };
}

/** Returns the notices of awaited runs, with the bytes of documents placed. */
export function placeNotices(finals: readonly FinalNotice[], data: JournalBytes): FinalRun[] {
  return finals.map(({ document, ...final }) => ({
    ...final,
    ...(document !== null && { document: placePayload(document, data) }),
  }));
}

/** Returns a reference to the payload, with bytes placed. */
export function placePayload(newPayload: NewPayload, data: JournalBytes): PayloadRef {
  if (newPayload.at === "r2") return newPayload;
  return { ...descriptionOf(newPayload), at: "run", ...data.place(newPayload.bytes) };
}

/** Parses stored log lines: JSON, one a line. */
export function readLogs(bytes: Uint8Array): LogLine[] {
  const text = new TextDecoder().decode(bytes);
  return text.split("\n").flatMap((line) => (line === "" ? [] : [parseLine(line)]));
}

function placeOutcome(outcome: AttemptOutcome, data: JournalBytes): Outcome {
  if (outcome.type !== "succeeded") return outcome;
  const to =
    outcome.to === null
      ? null
      : Object.fromEntries(
          Object.entries(outcome.to).map(([child, newPayload]) => [
            child,
            placePayload(newPayload, data),
          ]),
        );
  const { chosen, limitKeys } = outcome;
  const output = placePayload(outcome.output, data);
  return {
    type: "succeeded",
    passed: {
      output,
      to,
      ...(chosen !== undefined && { chosen }),
      ...(limitKeys !== undefined && { limitKeys }),
    },
  };
}

function placeLogs({ logs, logsDropped }: Settlement, data: JournalBytes): LogRef | null {
  if (logs.length === 0 && logsDropped === 0) return null;
  const bytes = new TextEncoder().encode(logs.map((line) => JSON.stringify(line)).join("\n"));
  return { ...data.place(bytes), size: bytes.length, lines: logs.length, dropped: logsDropped };
}

/** The only mapping of stored log lines: `placeLogs` alone writes them. */
function parseLine(line: string): LogLine {
  // oxlint-disable-next-line typescript/consistent-type-assertions
  return JSON.parse(line) as LogLine;
}
