/**
 * Filters the runtime's output for people. Keeps logs and errors of the worker and warnings of
 * wrangler; drops wrangler's list of bindings, its progress, and the calls by which the start is
 * awaited.
 */
import { stripVTControlCharacters } from "node:util";

/** Lines to drop. */
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

/**
 * Splits chunks of output into lines and drops the noise, with the empty lines around it but one.
 */
export class OutputFilter {
  #rest = "";
  #blank = true;

  /**
   * Returns the lines of this chunk that are worth showing. An incomplete last line waits for the
   * next chunk.
   */
  push(chunk: string): string[] {
    const lines = (this.#rest + chunk).split("\n");
    this.#rest = lines.pop() ?? "";
    return lines.filter((line) => this.#keep(line));
  }

  /** Tests if a line is worth showing. */
  #keep(line: string): boolean {
    const plain = stripVTControlCharacters(line).trim();
    if (NOISE.some((pattern) => pattern.test(plain))) return false;
    const keep = plain !== "" || !this.#blank;
    this.#blank = plain === "";
    return keep;
  }
}
