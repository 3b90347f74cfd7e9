/**
 * Makes the stacks of errors lead to the sources of a project instead of its bundle, by V8's hook
 * `Error.prepareStackTrace`. The local runtime only: it knows the positions of its own bundle.
 *
 * A stack that passes through the project's files shows only these, with paths relative to the
 * project. Any other stack shows positions in the bundle, without its folder.
 */

import { OWN_SOURCES, placeIn, type OwnSources } from "../../contract/own-sources.ts";

/** The part of V8's `CallSite` that a frame is rendered from. */
export interface StackFrame {
  getFunctionName(): string | null;
  getFileName(): string | null | undefined;
  getLineNumber(): number | null;
  getColumnNumber(): number | null;
  isAsync(): boolean;
  toString(): string;
}

/** Frames that V8 records. Ten may all be Peach's own, above those of the project. */
const RECORDED_FRAMES = 50;
/** Frames that a stack shows at most. */
const SHOWN_FRAMES = 20;
/** The name of the bundle in frames outside the project. */
const BUNDLE_NAME = "worker.js";

/** Installs the hook. The positions are parsed when the first stack is read. */
export function installOwnStacks(): void {
  let known: OwnSources | null = null;
  Object.assign(Error, {
    stackTraceLimit: RECORDED_FRAMES,
    prepareStackTrace: (error: unknown, frames: readonly StackFrame[]) => {
      known ??= readOwnSources();
      return renderStack(error, frames, known);
    },
  });
}

/** Reads what the bundler has written; nothing is known in a bundle that it did not make. */
function readOwnSources(): OwnSources {
  const none = { sources: [], lines: {}, names: {} };
  return OWN_SOURCES.startsWith("{") ? JSON.parse(OWN_SOURCES) : none;
}

/** Renders the stack of an error, in V8's form. */
export function renderStack(
  error: unknown,
  frames: readonly StackFrame[],
  sources: OwnSources,
): string {
  const own = frames.flatMap((frame) => renderOwn(frame, sources) ?? []);
  const shown = own.length > 0 ? own : frames.map(renderOther);
  return [headOf(error), ...shown.slice(0, SHOWN_FRAMES).map((frame) => `    at ${frame}`)].join(
    "\n",
  );
}

/** Renders a frame of the project; null for any other. */
function renderOwn(frame: StackFrame, sources: OwnSources): string | null {
  const [line, column] = [frame.getLineNumber(), frame.getColumnNumber()];
  if (line === null || column === null || !isOfBundle(frame)) return null;
  const found = placeIn(sources, line, column);
  if (found === null) return null;
  const place = `${found.path}:${found.line}:${found.column}`;
  const called = frame.getFunctionName() ?? "";
  const name = Object.hasOwn(sources.names, called) ? sources.names[called] : called;
  const prefix = frame.isAsync() ? "async " : "";
  return name === "" ? `${prefix}${place}` : `${prefix}${name} (${place})`;
}

/** Renders a frame outside the project, without the folder of the bundle. */
function renderOther(frame: StackFrame): string {
  return String(frame).replace(/file:\/\/\S*\/(?=worker\.js:)/, "");
}

/** Tells frames of the bundle from those of modules that the runtime provides. */
function isOfBundle(frame: StackFrame): boolean {
  return frame.getFileName()?.endsWith(BUNDLE_NAME) === true;
}

/** The first line of a stack. An author's error may throw when it is read. */
function headOf(error: unknown): string {
  try {
    return String(error);
  } catch {
    return "Error";
  }
}
