/**
 * The inputs of an attempt. Their shape follows peach.conf: the value of the one parent, an object
 * keyed by parent, or, on the root, the trigger's payload.
 */
import type { LeasePayload } from "../../domain/payload.ts";
import { ArrayReader } from "../../payloads/array-reader.ts";
import { parseJson } from "../../payloads/cut-json.ts";
import { memberOf } from "../../payloads/json-path.ts";
import { openPayload, openPayloadStream, type HeldReader } from "../../payloads/payload-store.ts";
import { refuseLargeValue } from "../../payloads/value-limit.ts";
import type { Lease } from "../../objects/run/lease-rpc.ts";

export class AttemptInputs {
  readonly #lease: Lease;
  readonly #bucket: R2Bucket;
  readonly #held: HeldReader;
  readonly #arrays: ArrayReader;
  /** Opened values. Streams are opened anew for each reader. */
  readonly #opened = new Map<LeasePayload, Promise<unknown>>();

  /**
   * `arrays` is shared by the attempts of one driver, so an array is scanned once for many items.
   */
  constructor(lease: Lease, bucket: R2Bucket, held: HeldReader, arrays = new ArrayReader(bucket)) {
    this.#lease = lease;
    this.#arrays = arrays;
    this.#bucket = bucket;
    this.#held = held;
  }

  /**
   * Reads the task's whole input, or the output of one parent. Returns undefined if that parent is
   * not in the run or passed nothing.
   */
  async value(parent?: string): Promise<unknown> {
    const { shape, inputs } = this.#lease;
    if (shape === "keyed") {
      if (parent !== undefined) {
        const input = this.#input(parent);
        return input === undefined ? undefined : this.#open(input);
      }
      const size = inputs.reduce(
        (sum, { payload }) => sum + (payload.kind === "stream" ? 0 : payload.size),
        0,
      );
      refuseLargeValue(
        `What the task "${this.#lease.task}" reads of ${inputs.length} tasks together`,
        size,
      );
      const values = await Promise.all(
        inputs.map(async ({ parent: name, payload }) => [name, await this.#open(payload)] as const),
      );
      return Object.fromEntries(values);
    }
    const [input] = inputs;
    if (input === undefined) return undefined;
    const value = await this.#open(input.payload);
    return parent !== undefined && this.#isKeyedTrigger() ? memberOf(value, parent) : value;
  }

  /**
   * Opens the bytes of one parent's output (on the root: of the trigger's payload), of any kind.
   */
  async stream(parent?: string): Promise<ReadableStream<Uint8Array>> {
    const input =
      parent === undefined || this.#lease.shape !== "keyed" ? this.#only() : this.#input(parent);
    if (input === undefined)
      throw new Error(
        `the task "${this.#lease.task}" reads nothing from ${parent ?? "its upstream tasks"} in this run`,
      );
    if (this.#lease.item?.isElement === true)
      return new Blob([await this.#element(input)]).stream();
    return this.#openStream(input);
  }

  #openStream(payload: LeasePayload): Promise<ReadableStream<Uint8Array>> {
    return openPayloadStream(this.#bucket, payload, this.#held);
  }

  /** The item of the array for this attempt, as JSON. */
  #element(array: LeasePayload): Promise<Uint8Array> {
    const { of = 0, index = 0 } = this.#lease.item ?? {};
    const reader = `${this.#lease.runId}/${of}`;
    return this.#arrays.item(reader, array, index, this.#held);
  }

  async #openElement(array: LeasePayload): Promise<unknown> {
    const element = await this.#element(array);
    return parseJson(element);
  }

  #nameOf(payload: LeasePayload): string {
    const { task, inputs, shape } = this.#lease;
    const parent = inputs.find((input) => input.payload === payload)?.parent ?? "";
    return shape === "trigger" || parent === ""
      ? `What the task "${task}" reads`
      : `What "${parent}" passed`;
  }

  #open(payload: LeasePayload): Promise<unknown> {
    // An unread connection blocks one of six, so the stream handed to the method is opened at its
    // first read.
    if (payload.kind === "stream") return Promise.resolve(lazily(() => this.#openStream(payload)));
    const known = this.#opened.get(payload);
    if (known !== undefined) return known;
    const isElement = this.#lease.item?.isElement === true;
    if (!isElement) refuseLargeValue(this.#nameOf(payload), payload.size);
    const opened = isElement
      ? this.#openElement(payload)
      : openPayload(this.#bucket, payload, this.#held);
    this.#opened.set(payload, opened);
    return opened;
  }

  #input(parent: string): LeasePayload | undefined {
    return this.#lease.inputs.find((input) => input.parent === parent)?.payload;
  }

  #only(): LeasePayload | undefined {
    const { inputs, task } = this.#lease;
    if (inputs.length > 1)
      throw new Error(
        `the task "${task}" reads from several tasks; name one: ${inputs.map(({ parent }) => parent).join(", ")}`,
      );
    return inputs[0]?.payload;
  }

  /**
   * True for a task with several parents that is triggered alone: its trigger's payload is the
   * object keyed by parent.
   */
  #isKeyedTrigger(): boolean {
    return this.#lease.shape === "trigger" && this.#lease.parents.length > 1;
  }
}

function lazily(open: () => Promise<ReadableStream<Uint8Array>>): ReadableStream<Uint8Array> {
  let reader: ReadableStreamDefaultReader<Uint8Array> | null = null;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        reader ??= (await open()).getReader();
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      async cancel(reason) {
        await reader?.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}
