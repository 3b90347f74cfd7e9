/** TypeScript's own language server, asked as an editor does. */
import { spawn, type ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { z } from "zod";
import { REPO_ROOT } from "../project.ts";

const MESSAGE = z.object({
  id: z.union([z.number(), z.string()]).optional(),
  method: z.string().optional(),
  result: z.unknown().optional(),
});
const HOVER = z.object({ contents: z.object({ value: z.string() }) }).nullish();
const COMPLETIONS = z.object({ items: z.array(z.object({ label: z.string() })) });

export class LanguageServer {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number | string, (result: unknown) => void>();
  #received = Buffer.alloc(0);
  #count = 0;

  private constructor() {
    const tsc = join(REPO_ROOT, "node_modules/typescript/bin/tsc");
    this.#process = spawn(process.execPath, [tsc, "--lsp", "--stdio"], { stdio: ["pipe", "pipe", "ignore"] });
    this.#process.stdout?.on("data", (chunk: Buffer) => this.#receive(chunk));
  }

  /** Starts a server for the project in this folder. */
  static async of(folder: string): Promise<LanguageServer> {
    const server = new LanguageServer();
    const capabilities = { textDocument: { hover: { contentFormat: ["markdown"] } } };
    await server.#ask("initialize", { processId: null, rootUri: pathToFileURL(folder).href, capabilities });
    server.#send({ method: "initialized", params: {} });
    return server;
  }

  open(file: string): void {
    const textDocument = {
      uri: pathToFileURL(file).href,
      languageId: "typescript",
      version: 1,
      text: readFileSync(file, "utf8"),
    };
    this.#send({ method: "textDocument/didOpen", params: { textDocument } });
  }

  /** The text at this place of a file, `|` being the cursor in `near`; empty if there is none. */
  async hover(file: string, near: string): Promise<string> {
    return HOVER.parse(await this.#ask("textDocument/hover", at(file, near)))?.contents.value ?? "";
  }

  /** The completions at this place of a file. */
  async completions(file: string, near: string): Promise<string[]> {
    const found = COMPLETIONS.parse(await this.#ask("textDocument/completion", at(file, near)));
    return found.items.map(({ label }) => label);
  }

  end(): void {
    this.#process.kill();
  }

  #ask(method: string, params: unknown): Promise<unknown> {
    this.#count += 1;
    const id = this.#count;
    this.#send({ id, method, params });
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  #send(message: object): void {
    const body = JSON.stringify({ jsonrpc: "2.0", ...message });
    this.#process.stdin?.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  }

  #receive(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    for (;;) {
      const end = this.#received.indexOf("\r\n\r\n");
      const [, length = ""] =
        /Content-Length: (\d+)/.exec(this.#received.subarray(0, Math.max(0, end)).toString()) ?? [];
      const start = end + 4;
      if (end === -1 || this.#received.length < start + Number(length)) return;
      const text = this.#received.subarray(start, start + Number(length)).toString();
      this.#received = this.#received.subarray(start + Number(length));
      this.#answer(MESSAGE.parse(JSON.parse(text)));
    }
  }

  #answer({ id, method, result }: z.infer<typeof MESSAGE>): void {
    if (id === undefined) return;
    // A question of the server: an editor without settings answers null.
    if (method !== undefined) this.#send({ id, result: method === "workspace/configuration" ? [null] : null });
    else this.#waiting.get(id)?.(result);
  }
}

/** The place of the cursor `|` in a text of the file. */
function at(file: string, near: string): object {
  const before = readFileSync(file, "utf8").split(near.replace("|", ""))[0] ?? "";
  const lines = `${before}${near.split("|")[0]}`.split("\n");
  const position = { line: lines.length - 1, character: lines.at(-1)?.length ?? 0 };
  return { textDocument: { uri: pathToFileURL(file).href }, position };
}
