/**
 * What of the runtime's output a person wants to see: the worker's own logs and errors, and wrangler's complaints; not its
 * list of bindings, its progress, and the calls by which we wait for it.
 */
import { stripVTControlCharacters } from "node:util";

const NOISE = [
  /^Your Worker has access to the following bindings:/,
  /^Binding {2,}Resource {2,}Mode/,
  /^env\.\S+ .*\s(local|remote|not supported)$/,
  /Connection status updated/,
  /Starting local server\.\.\./,
  /Local server updated and ready/,
  /Reloading local server\.\.\./,
  /\[wrangler:info\] Ready on /,
  /\[wrangler:info\] GET \/healthz /,
  /\[wrangler:info\] QUEUE /,
];

/** Splits chunks of output into lines, drops the noise, and at most one of the empty lines that surround it. */
export class OutputFilter {
  #rest = "";
  #blank = true;

  /** The lines of this chunk that are worth showing. */
  push(chunk: string): string[] {
    const lines = (this.#rest + chunk).split("\n");
    this.#rest = lines.pop() ?? "";
    return lines.filter((line) => this.#keep(line));
  }

  #keep(line: string): boolean {
    const plain = stripVTControlCharacters(line).trim();
    if (NOISE.some((pattern) => pattern.test(plain))) return false;
    const keep = plain !== "" || !this.#blank;
    this.#blank = plain === "";
    return keep;
  }
}
