/** Selects the viewer of a payload by its content type. Pure. */

/** The ways to show a payload. */
export type Viewer = "json" | "text" | "image" | "audio" | "video" | "bytes";

/**
 * Selects the viewer for a content type such as `application/json; charset=utf-8`. Unknown types
 * are shown as bytes.
 */
export function viewerOf(contentType: string): Viewer {
  const [type = ""] = contentType.toLowerCase().split(";");
  const name = type.trim();
  if (name === "application/json" || name.endsWith("+json")) return "json";
  if (name.startsWith("image/")) return "image";
  if (name.startsWith("audio/")) return "audio";
  if (name.startsWith("video/")) return "video";
  if (name.startsWith("text/") || name.endsWith("+xml") || TEXTS.includes(name)) return "text";
  return "bytes";
}

/** Text formats whose type does not begin with `text/`. */
const TEXTS = [
  "application/xml",
  "application/javascript",
  "application/yaml",
  "application/x-ndjson",
];

/** Bytes per line of a hex dump. */
const WIDTH = 16;
/** Bytes of a hex dump. */
const SHOWN = 512;

/** Renders the first 512 bytes as a hex dump with offsets and printable characters. */
export function hexLines(bytes: Uint8Array): string[] {
  const shown = bytes.subarray(0, SHOWN);
  return Array.from({ length: Math.ceil(shown.byteLength / WIDTH) }, (_, line) => {
    const part = [...shown.subarray(line * WIDTH, (line + 1) * WIDTH)];
    const hex = part.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const text = part
      .map((byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : "·"))
      .join("");
    return `${(line * WIDTH).toString(16).padStart(6, "0")}  ${hex.padEnd(WIDTH * 3 - 1)}  ${text}`;
  });
}
