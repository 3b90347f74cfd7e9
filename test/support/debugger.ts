/** A debugger on the local runtime, by the protocol that VS Code and Chrome speak. */
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { z } from "zod";
import { parseSourceMap, segmentsOf } from "../../src/local/source-map.ts";

const message = z.object({
  id: z.number().optional(),
  method: z.string().optional(),
  params: z.unknown().optional(),
  result: z.unknown().optional(),
  error: z.unknown().optional(),
});
const target = z.array(z.object({ webSocketDebuggerUrl: z.string() }));
const parsed = z.object({ scriptId: z.string(), url: z.string(), sourceMapURL: z.string().optional() });
const paused = z.object({
  callFrames: z.array(
    z.object({
      callFrameId: z.string(),
      functionName: z.string(),
      location: z.object({ scriptId: z.string(), lineNumber: z.number(), columnNumber: z.number() }),
    }),
  ),
});
const evaluated = z.object({ result: z.object({ value: z.unknown() }) });

/** Where an attempt stands. Lines count from 1. */
export interface Standing {
  readonly file: string;
  readonly line: number;
  /** The value of an expression there. */
  evaluate(expression: string): Promise<unknown>;
}

export class Debugger implements Disposable {
  readonly #socket: WebSocket;
  readonly #answers = new Map<number, (result: unknown) => void>();
  readonly #bundle = Promise.withResolvers<z.infer<typeof parsed>>();
  /** The URLs of all scripts, by id. */
  readonly #urls = new Map<string, string>();
  #pause = Promise.withResolvers<z.infer<typeof paused>>();
  #calls = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => this.#receive(message.parse(JSON.parse(String(data)))));
  }

  /** Attaches at a port of 127.0.0.1, as launch.json says. */
  static async attach(port: number): Promise<Debugger> {
    const targets = target.parse(await (await fetch(`http://127.0.0.1:${port}/json`)).json());
    // The inspector lets in who names no browser's page.
    const settings = { headers: { Origin: "http://localhost" } };
    // Node's WebSocket takes headers, of which its types say nothing.
    const socket: WebSocket = Reflect.construct(WebSocket, [targets[0]?.webSocketDebuggerUrl ?? "", settings]);
    await new Promise((opened, failed) => {
      socket.addEventListener("open", opened, { once: true });
      socket.addEventListener("error", failed, { once: true });
    });
    const attached = new Debugger(socket);
    await attached.call("Runtime.enable");
    await attached.call("Debugger.enable");
    return attached;
  }

  /** Sets a breakpoint at the first statement of a line of a source, as an editor does: by the map of the bundle. */
  async breakAt(file: string, line: number): Promise<void> {
    const { url } = await this.#bundle.promise;
    const { positions } = await this.#sources();
    const there = positions.find((one) => one.file === file && one.sourceLine === line);
    if (there === undefined) throw new Error(`nothing of ${file}:${line} is in the bundle`);
    await this.call("Debugger.setBreakpointByUrl", { url, lineNumber: there.line - 1, columnNumber: there.column });
  }

  /** Sets a breakpoint in a file that runs as it is written, and lets a process go on that waits for a debugger. */
  async breakInFile(file: string, line: number): Promise<void> {
    await this.call("Debugger.setBreakpointByUrl", { url: pathToFileURL(file).href, lineNumber: line - 1 });
    await this.call("Runtime.runIfWaitingForDebugger");
  }

  /** Resolves when an attempt stands at a breakpoint in a file that runs as it is written. */
  async standsInFile(): Promise<Standing> {
    const { callFrames } = await this.#pause.promise;
    const [frame] = callFrames;
    if (frame === undefined) throw new Error("it stands nowhere");
    const url = this.#urls.get(frame.location.scriptId) ?? "";
    return {
      file: fileURLToPath(url),
      line: frame.location.lineNumber + 1,
      evaluate: (expression) => this.#evaluate(frame.callFrameId, expression),
    };
  }

  /** Resolves when an attempt stands at a breakpoint. */
  async stands(): Promise<Standing> {
    const { callFrames } = await this.#pause.promise;
    const [frame] = callFrames;
    if (frame === undefined) throw new Error("it stands nowhere");
    const { positions } = await this.#sources();
    const { lineNumber, columnNumber } = frame.location;
    const here = positions.findLast((one) => one.line === lineNumber + 1 && one.column <= columnNumber);
    return {
      file: here?.file ?? "",
      line: here?.sourceLine ?? 0,
      evaluate: (expression) => this.#evaluate(frame.callFrameId, expression),
    };
  }

  async goOn(): Promise<void> {
    this.#pause = Promise.withResolvers();
    await this.call("Debugger.resume");
  }

  call(method: string, params: unknown = {}): Promise<unknown> {
    this.#calls += 1;
    const id = this.#calls;
    this.#socket.send(JSON.stringify({ id, method, params }));
    return new Promise((resolved) => this.#answers.set(id, resolved));
  }

  /** Detaches. What stands at a breakpoint goes on. */
  [Symbol.dispose](): void {
    this.#socket.close();
  }

  async #evaluate(callFrameId: string, expression: string): Promise<unknown> {
    const params = { callFrameId, expression, returnByValue: true };
    return evaluated.parse(await this.call("Debugger.evaluateOnCallFrame", params)).result.value;
  }

  #receive({ id, method, params, result, error }: z.infer<typeof message>): void {
    if (id !== undefined) this.#answers.get(id)?.(error ?? result);
    if (method === "Debugger.paused") this.#pause.resolve(paused.parse(params));
    if (method !== "Debugger.scriptParsed") return;
    const script = parsed.parse(params);
    this.#urls.set(script.scriptId, script.url);
    if (script.sourceMapURL !== undefined && script.sourceMapURL !== "") this.#bundle.resolve(script);
  }

  /** The positions of the bundle with the files of its sources, read where the bundle says that its map is. */
  async #sources() {
    const { url, sourceMapURL = "" } = await this.#bundle.promise;
    const mapPath = fileURLToPath(new URL(sourceMapURL, url).href);
    const map = parseSourceMap(readFileSync(mapPath, "utf8"));
    const files = map.sources.map((path) => resolve(dirname(mapPath), path));
    const positions = [...segmentsOf(map.mappings)].map((segment) => ({
      ...segment,
      file: files[segment.source] ?? "",
    }));
    return { positions };
  }
}
