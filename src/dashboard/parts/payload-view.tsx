/**
 * Shows a payload by its type: JSON as a tree, text, images, sound, video, or a hex dump.
 *
 * API calls:
 * - `GET /runs/ID/payload`, or the path of a task's or item's output, with a Range header.
 *
 * A payload never becomes markup of the page: HTML is shown as text, and SVG as an image, which
 * runs no scripts.
 */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { getBytes, payloadPath, payloadUrl, problemOf } from "../api.ts";
import type { ShownProblem } from "../shown-problem.ts";
import { formatBytes } from "../format.ts";
import { hexLines, viewerOf, type Viewer } from "./payload-kind.ts";
import { Icon } from "./icon.tsx";
import { JsonTree } from "./json-tree.tsx";
import { Loading, Problem } from "./states.tsx";

/** The number of bytes to read for display; the rest can be downloaded. */
const SHOWN_BYTES = 512_000;

/** The payload to show. */
export interface PayloadProps {
  readonly runId: string;
  /** The task that passed the payload; null for the payload that triggered the run. */
  readonly task: string | null;
  /** The index of an item of the task. */
  readonly item?: number;
  /** A value that changes when the payload may have changed, for example after a retry. */
  readonly version?: string;
}

/** A payload as far as it was read. */
interface Read {
  readonly viewer: Viewer;
  readonly contentType: string;
  /** The size of the whole payload in bytes. */
  readonly size: number;
  readonly text: string;
  readonly bytes: Uint8Array;
  /** True if all bytes were read. */
  readonly isWhole: boolean;
}

/** Reads the payload and shows it with its type, size and a download link. */
export function PayloadView({ runId, task, item, version = "" }: PayloadProps): JSX.Element {
  const read = useSignal<Read | null>(null);
  const problem = useSignal<ShownProblem | null>(null);
  useEffect(() => {
    const aborter = new AbortController();
    read.value = null;
    problem.value = null;
    readPayload(payloadPath(runId, task, item ?? null), aborter.signal).then(
      (result) => (read.value = result),
      (error: unknown) => {
        if (!aborter.signal.aborted) problem.value = problemOf(error);
      },
    );
    return () => aborter.abort();
  }, [runId, task, item, version, read, problem]);
  if (problem.value !== null)
    return problem.value.code === "no_payload" ? (
      <p class="muted">Nothing was passed.</p>
    ) : (
      <Problem problem={problem.value} />
    );
  if (read.value === null) return <Loading lines={3} label="the payload" />;
  const url = payloadUrl(runId, task, item ?? null);
  return (
    <div class="payload">
      <div class="payload-head">
        <span class="tag">{read.value.contentType || "unknown type"}</span>
        <span class="muted">{formatBytes(read.value.size)}</span>
        <a class="button button-small" href={url} download={fileName(runId, task, item)}>
          <Icon name="download" /> Download
        </a>
      </div>
      <Shown read={read.value} url={url} />
    </div>
  );
}

/** Selects the viewer. Media elements load the URL themselves, in parts as they play. */
function Shown({ read, url }: { readonly read: Read; readonly url: string }): JSX.Element {
  switch (read.viewer) {
    case "image":
      return <img class="payload-image" src={url} alt="The payload" />;
    case "audio":
      return <audio controls preload="metadata" src={url} aria-label="The payload" />;
    case "video":
      return <video controls preload="metadata" src={url} aria-label="The payload" />;
    case "json":
      return <JsonShown {...read} />;
    case "text":
      return <TextShown text={read.text} isWhole={read.isWhole} />;
    case "bytes":
      return (
        <pre class="text" tabIndex={0}>
          {hexLines(read.bytes).join("\n")}
        </pre>
      );
  }
}

/** Shows JSON as a tree, or as text if it is cut or malformed. */
function JsonShown({ text, isWhole }: Read): JSX.Element {
  if (!isWhole) return <TextShown text={text} isWhole={false} />;
  try {
    return <JsonTree value={JSON.parse(text)} />;
  } catch {
    return <TextShown text={text} isWhole />;
  }
}

/** Shows a text, with a note if it is only the beginning. */
function TextShown({
  text,
  isWhole,
}: {
  readonly text: string;
  readonly isWhole: boolean;
}): JSX.Element {
  return (
    <>
      <pre class="text" tabIndex={0}>
        {text === "" ? <span class="muted">(empty)</span> : text}
      </pre>
      {!isWhole && <p class="muted">This is its beginning. Download it to have the rest.</p>}
    </>
  );
}

/**
 * Reads the beginning of a payload. Its whole size comes from Content-Range; a server that ignores
 * the range sends Content-Length.
 */
async function readPayload(path: string, signal: AbortSignal): Promise<Read> {
  const response = await getBytes(path, SHOWN_BYTES, signal);
  const contentType = response.headers.get("Content-Type") ?? "";
  const viewer = viewerOf(contentType);
  const total =
    /\/(\d+)$/.exec(response.headers.get("Content-Range") ?? "")?.[1] ??
    response.headers.get("Content-Length");
  if (viewer === "image" || viewer === "audio" || viewer === "video") {
    // The media element loads the payload itself.
    await response.body?.cancel();
    return {
      viewer,
      contentType,
      size: Number(total ?? 0),
      text: "",
      bytes: new Uint8Array(),
      isWhole: true,
    };
  }
  const bytes = new Uint8Array(await response.arrayBuffer());
  const size = Number(total ?? bytes.byteLength);
  const shown = bytes.subarray(0, SHOWN_BYTES);
  const isWhole = shown.byteLength >= size;
  const text = viewer === "bytes" ? "" : new TextDecoder().decode(shown);
  return { viewer, contentType, size, text, bytes: shown, isWhole };
}

/** The name of the downloaded file. */
function fileName(runId: string, task: string | null, item: number | undefined): string {
  return [runId, task ?? "trigger", ...(item === undefined ? [] : [item])].join("-");
}
