/**
 * Checks the events of a run for a listener that reconnects: the listener ends with each task in its final state, and
 * gets no state that never was.
 */
import type { RunDocument, TaskDocument } from "../../../src/objects/run/run-documents-rpc.ts";
import type { Ground } from "../../../src/testing/ground/ground.ts";

/** What a listener has heard last of each task, and of the run. */
export interface Heard {
  readonly tasks: ReadonlyMap<string, TaskDocument>;
  readonly status: string | null;
}

/** Takes a stream of server-sent events in, to its end. */
export async function heardIn(stream: ReadableStream<Uint8Array>): Promise<Heard> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stream) text += decoder.decode(chunk, { stream: true });
  const tasks = new Map<string, TaskDocument>();
  let status: string | null = null;
  for (const block of text.split("\n\n")) {
    const { event, data } = fieldsOf(block);
    if (event === undefined || data === undefined) continue;
    const told = documentIn(data);
    if (event === "run" || event === "change") for (const task of told.tasks) tasks.set(task.task, task);
    status = told.status ?? status;
  }
  return { tasks, status };
}

export class EventsCheck {
  readonly #ground: Ground;

  constructor(ground: Ground) {
    this.#ground = ground;
  }

  /** Somebody has come back to a run that is over. */
  heard(run: RunDocument, { tasks, status }: Heard): void {
    const say = (detail: string): void => this.#ground.violate("events are true", `${run.run_id}: ${detail}`);
    if (status !== run.status) say(`a listener hears that it is ${status}, it is ${run.status}`);
    for (const task of run.tasks) {
      const heard = tasks.get(task.task);
      if (heard !== undefined && wordsOf(heard) !== wordsOf(task))
        say(`a listener hears last that ${task.task} is ${wordsOf(heard)}, it is ${wordsOf(task)}`);
    }
  }
}

function wordsOf({ status, reason, attempts, each }: TaskDocument): string {
  return [status, reason, attempts.length, JSON.stringify(each)].join(", ");
}

function fieldsOf(block: string): { readonly event?: string; readonly data?: string } {
  return Object.fromEntries(
    block.split("\n").flatMap((line) => {
      const at = line.indexOf(": ");
      return at < 1 ? [] : [[line.slice(0, at), line.slice(at + 2)]];
    }),
  );
}

/** The one mapping of what events carry: a run, a change of it, or how it has ended. */
function documentIn(data: string): { readonly tasks: readonly TaskDocument[]; readonly status: string | null } {
  const told: unknown = JSON.parse(data);
  if (typeof told !== "object" || told === null) return { tasks: [], status: null };
  // oxlint-disable-next-line typescript/consistent-type-assertions
  const { tasks = [], run, status } = told as Partial<RunDocument> & { readonly run?: { readonly status: string } };
  return { tasks, status: run?.status ?? status ?? null };
}
