import { pieces } from "./streams.ts";

/** A call that fails `times` times; then it works. */
export interface Failure {
  /** The method of the bucket (`put`) or of an upload (`uploadPart`). */
  readonly call: string;
  readonly times: number;
  /** `after`: it took effect, and only its answer was lost. */
  readonly when: "before" | "after";
}

/** A real bucket that fails as a test says, and counts its calls. */
export class FailingBucket {
  readonly bucket: R2Bucket;
  readonly calls: string[] = [];
  onAnswer: (call: string) => void = () => undefined;
  /** The body of each get breaks off after so many bytes. */
  breakBodiesAfterBytes = Number.POSITIVE_INFINITY;
  readonly #failure: Failure | null;
  #failed = 0;

  constructor(real: R2Bucket, failure: Failure | null = null) {
    this.#failure = failure;
    this.bucket = this.#wrap(real);
  }

  count(call: string): number {
    return this.calls.filter((name) => name === call).length;
  }

  #wrap<T extends object>(real: T): T {
    return new Proxy(real, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== "function" || typeof name !== "string") return member;
        return (...args: unknown[]) => this.#call(name, () => Reflect.apply(member, target, args));
      },
    });
  }

  async #call(name: string, call: () => unknown): Promise<unknown> {
    this.calls.push(name);
    const fails = this.#failure?.call === name && this.#failed < this.#failure.times;
    if (fails) this.#failed += 1;
    if (fails && this.#failure?.when === "before")
      throw new Error(`${name}: We encountered an internal error. (10001)`);
    const answer = await call();
    if (fails) throw new Error(`${name}: Network connection lost.`);
    this.onAnswer(name);
    if (typeof answer !== "object" || answer === null) return answer;
    if (name === "createMultipartUpload") return this.#wrap(answer);
    if ("body" in answer && Number.isFinite(this.breakBodiesAfterBytes)) return this.#withBrokenBody(answer);
    return answer;
  }

  async #withBrokenBody(object: object): Promise<object> {
    const body: unknown = Reflect.get(object, "body");
    if (!(body instanceof ReadableStream)) return object;
    const bytes = new Uint8Array(await new Response(body).arrayBuffer());
    const given = bytes.subarray(0, this.breakBodiesAfterBytes);
    const broken = pieces(given, ...(given.length < bytes.length ? [new Error("Network connection lost.")] : []));
    return { key: Reflect.get(object, "key"), size: Reflect.get(object, "size"), body: broken.stream };
  }
}
