import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { archive } from "../../src/pipelines/archive.ts";
import { CaptionsError, readCaptions } from "../../src/pipelines/captions.ts";
import { transcriptSchema, type Transcript } from "../../src/pipelines/transcript.ts";
import { audio_transcription_task, webhook_handler } from "../../src/pipelines/transcription.ts";
import type { EndpointContext } from "../../src/task-helpers.ts";
import { runInScope } from "../../src/execution/author/context.ts";
import { NonRetryableError } from "../../src/execution/author/errors.ts";
import { methodOf } from "../../src/execution/author/method.ts";

const SAMPLE = join(import.meta.dirname, "../../sample");
const EVENT = {
  bucket: "uploads",
  key: "audio/glacier.mp3",
  size: 3,
  etag: "e",
  action: "PutObject",
  event_time: "2026-11-22T18:00:00.000Z",
  s3_uri: "s3://uploads/audio/glacier.mp3",
};

describe("captions", () => {
  it("captions of the sample fit its audio and say its language", async () => {
    const { language, captions } = await readCaptions(readFileSync(join(SAMPLE, "glacier.vtt"), "utf8"));
    expect(language).toBe("en");
    expect(captions).toHaveLength(4);
    expect(captions[0]).toEqual({
      start: 0.4,
      end: 4.367,
      text: "Two warm summers have taken a tenth of the ice from the Silver Glacier.",
    });
    // A CBR file: its length follows from its size.
    const seconds = readFileSync(join(SAMPLE, "glacier.mp3")).length / (32_000 / 8);
    expect(captions.at(-1)?.end).toBeGreaterThan(seconds - 1.5);
    expect(captions.at(-1)?.end).toBeLessThan(seconds);
  });

  it("captions lose their markup, line breaks and empty cues, and keep their order", async () => {
    const text =
      "\uFEFFWEBVTT\r\n\r\nNOTE a note\r\n\r\n1\r\n00:01.000 --> 00:02.500\r\n<v Anna>Ice &amp; <i>sea</i>\r\n<00:02.000><c.loud>rise</c>\r\n\r\n00:03.000 --> 00:04.000\r\n\r\n01:00:00.000 --> 01:00:01.000\r\nAt last\r\n";
    expect(await readCaptions(text)).toEqual({
      language: null,
      captions: [
        { start: 1, end: 2.5, text: "Ice & sea rise" },
        { start: 3600, end: 3601, text: "At last" },
      ],
    });
  });

  it.each([
    ["", "missing WEBVTT file header (line 1)"],
    ["hello", "missing WEBVTT file header (line 1)"],
    ["WEBVTT\n\n00:01.000 --> soon\nHello", "cue end timestamp `soon` is invalid on line 3 (line 3)"],
  ])("captions that are not WebVTT (%j) say why and where", async (text, reason) => {
    await expect(readCaptions(text)).rejects.toThrow(new CaptionsError(reason));
  });
});

describe("audio_transcription_task", () => {
  it("audio_transcription_task takes the captions beside the audio where there is no Workers AI", async () => {
    const uploads = new MemoryBucket({ "audio/glacier.mp3": "abc", "audio/glacier.vtt": readSample("glacier.vtt") });
    const transcript = await transcribe(EVENT, { UPLOADS: uploads });
    expect(transcript).toMatchObject({ audio: { bucket: "uploads", key: "audio/glacier.mp3" }, language: "en" });
    expect(transcript.text).toMatch(/^Two warm summers .* to the ocean\.$/);
    expect(transcript.segments).toHaveLength(4);
    expect(transcriptSchema.parse(transcript)).toEqual(transcript);
  });

  it.each([
    [{ s3_uri: "s3://uploads/audio/a/b.mp3", language: "fr" }, "fr"],
    [{ bucket: "uploads", key: "audio/a/b.mp3" }, "und"],
  ])("audio_transcription_task finds the object that %j names", async (request, language) => {
    const uploads = new MemoryBucket({
      "audio/a/b.mp3": "abc",
      "audio/a/b.vtt": "WEBVTT\n\n00:00.000 --> 00:01.000\nOui",
    });
    expect(await transcribe(request, { UPLOADS: uploads })).toEqual({
      audio: { bucket: "uploads", key: "audio/a/b.mp3" },
      language,
      text: "Oui",
      segments: [{ start: 0, end: 1, text: "Oui" }],
    });
  });

  it("audio_transcription_task lets Whisper listen to the audio where there is Workers AI", async () => {
    const calls: unknown[] = [];
    const ai = {
      run: async (...call: unknown[]) => {
        calls.push(call);
        return {
          text: " Bonjour la mer. ",
          transcription_info: { language: "fr" },
          segments: [{ start: 0, end: 1.5, text: " Bonjour" }, { text: " la mer." }],
        };
      },
    };
    const uploads = new MemoryBucket({ "audio/glacier.mp3": "abc" });
    const transcript = await transcribe(EVENT, { UPLOADS: uploads, AI: ai });
    expect(calls).toEqual([["@cf/openai/whisper-large-v3-turbo", { audio: "YWJj" }]]);
    expect(transcript).toEqual({
      audio: { bucket: "uploads", key: "audio/glacier.mp3" },
      language: "fr",
      text: "Bonjour la mer.",
      segments: [
        { start: 0, end: 1.5, text: "Bonjour" },
        { start: 0, end: 0, text: "la mer." },
      ],
    });
    await transcribe({ ...EVENT, language: "de-CH" }, { UPLOADS: uploads, AI: ai });
    expect(calls[1]).toEqual(["@cf/openai/whisper-large-v3-turbo", { audio: "YWJj", language: "de" }]);
  });

  it.each([
    ["the audio is missing", {}, EVENT, /There is no audio object uploads\/audio\/glacier\.mp3/],
    [
      "there are no captions",
      { "audio/glacier.mp3": "abc" },
      EVENT,
      /Put its captions \(WebVTT\) at uploads\/audio\/glacier\.vtt/,
    ],
    [
      "the captions are broken",
      { "audio/glacier.mp3": "abc", "audio/glacier.vtt": "hello" },
      EVENT,
      /uploads\/audio\/glacier\.vtt is not a valid WebVTT file: missing WEBVTT file header \(line 1\)/,
    ],
    [
      "the bucket is another",
      {},
      { bucket: "elsewhere", key: "audio/a.mp3" },
      /reads what is in uploads\/audio\/, but was given elsewhere\/audio\/a\.mp3/,
    ],
    [
      "the object is not under audio/",
      { "private/board-meeting.mp3": "abc", "private/board-meeting.vtt": readSample("glacier.vtt") },
      { s3_uri: "s3://uploads/private/board-meeting.mp3" },
      /but was given uploads\/private\/board-meeting\.mp3/,
    ],
  ])("audio_transcription_task fails for good, saying what to do, if %s", async (_, objects, request, reason) => {
    const failure = transcribe(request, { UPLOADS: new MemoryBucket(objects) });
    await expect(failure).rejects.toBeInstanceOf(NonRetryableError);
    await expect(failure).rejects.toThrow(reason);
  });

  it("audio_transcription_task refuses audio that is too large for Whisper before it reads it", async () => {
    const huge = { get: async () => ({ size: 25 * 1024 * 1024 }) };
    await expect(transcribe(EVENT, { UPLOADS: huge, AI: {} })).rejects.toThrow(
      /26214400 bytes; Whisper takes up to 25165824/,
    );
  });

  it("audio_transcription_task leaves it to the next attempt if Whisper fails", async () => {
    const ai = { run: () => Promise.reject(new Error("3040: Capacity temporarily exceeded")) };
    const failure = transcribe(EVENT, { UPLOADS: new MemoryBucket({ "audio/glacier.mp3": "abc" }), AI: ai });
    await expect(failure).rejects.not.toBeInstanceOf(NonRetryableError);
  });

  it.each([
    [{}],
    [{ bucket: "uploads" }],
    [{ s3_uri: "uploads/audio/a.mp3" }],
    [{ s3_uri: "s3://uploads/" }],
    [{ ...EVENT, language: "English" }],
  ])("audio_transcription_task does not take %j", (request) => {
    expect(audio_transcription_task.input?.safeParse(request).success).toBe(false);
  });
});

describe("archive", () => {
  it("archive keeps the transcript as JSON and as text, outside the prefix that triggers", async () => {
    const uploads = new MemoryBucket({});
    const transcript: Transcript = {
      audio: { bucket: "uploads", key: "audio/a.mp3" },
      language: "en",
      text: "One. Two.",
      segments: [
        { start: 0, end: 1, text: "One." },
        { start: 1, end: 2, text: "Two." },
      ],
    };
    const written = await call("archive", { archive }, transcript, { UPLOADS: uploads });
    expect(written).toEqual({ key: "transcripts/audio/a.mp3.json", text_key: "transcripts/audio/a.mp3.txt" });
    expect(JSON.parse(uploads.objects["transcripts/audio/a.mp3.json"] ?? "")).toEqual(transcript);
    expect(uploads.objects["transcripts/audio/a.mp3.txt"]).toBe("One.\nTwo.\n");
  });
});

describe("webhook_handler", () => {
  it("webhook_handler triggers the transcription and leaves the answer to Peach", async () => {
    expect(await post(JSON.stringify({ s3_uri: EVENT.s3_uri, language: "en", more: 1 }))).toEqual({
      answer: undefined,
      triggers: [["audio_transcription", { s3_uri: EVENT.s3_uri, language: "en" }, undefined]],
    });
  });

  it("webhook_handler takes no idempotency key of a header, which is not signed", async () => {
    const { triggers } = await post(JSON.stringify({ s3_uri: EVENT.s3_uri }), { "Idempotency-Key": "k1" });
    expect(triggers).toEqual([["audio_transcription", { s3_uri: EVENT.s3_uri }, undefined]]);
  });

  it.each([
    ["no JSON", "$", "expected JSON"],
    ["null", "$", "expected object"],
    ["{}", "$.s3_uri", "expected string"],
    ['{"s3_uri": "https://example.org/a.mp3"}', "$.s3_uri", "expected s3://uploads/audio/NAME"],
    ['{"s3_uri": "s3://uploads/private/board-meeting.mp3"}', "$.s3_uri", "expected s3://uploads/audio/NAME"],
    ['{"s3_uri": "s3://uploads/audio/"}', "$.s3_uri", "expected s3://uploads/audio/NAME"],
    ['{"s3_uri": "s3://peach-payloads/audio/a.mp3"}', "$.s3_uri", "expected s3://uploads/audio/NAME"],
    ['{"s3_uri": "s3://uploads/audio/a.mp3", "language": "English"}', "$.language", "expected a language tag"],
  ])("webhook_handler answers 400 to %s, says where it is wrong, and triggers nothing", async (body, path, message) => {
    const { answer, triggers } = await post(body);
    expect(triggers).toEqual([]);
    expect(answer).toBeInstanceOf(Response);
    if (!(answer instanceof Response)) return;
    expect([answer.status, answer.headers.get("Content-Type")]).toEqual([400, "application/problem+json"]);
    expect(await answer.json()).toMatchObject({
      code: "invalid_request",
      errors: [{ path, message: expect.stringContaining(message) }],
    });
  });
});

/** As much of R2 as the pipeline uses. */
class MemoryBucket {
  readonly objects: Record<string, string>;

  constructor(objects: Readonly<Record<string, string>>) {
    this.objects = { ...objects };
  }

  async head(key: string): Promise<unknown> {
    return this.get(key);
  }

  async get(key: string): Promise<unknown> {
    const text = this.objects[key];
    if (text === undefined) return null;
    const bytes = new TextEncoder().encode(text);
    return { size: bytes.length, text: async () => text, arrayBuffer: async () => bytes.buffer };
  }

  async put(key: string, text: string): Promise<void> {
    this.objects[key] = text;
  }
}

async function transcribe(request: unknown, env: object): Promise<Transcript> {
  const input = audio_transcription_task.input?.parse(request);
  return transcriptSchema.parse(await call("audio_transcription_task", { audio_transcription_task }, input, env));
}

async function call(
  name: string,
  tasks: Parameters<typeof methodOf>[0]["tasks"],
  payload: unknown,
  env: object,
): Promise<unknown> {
  const nothing = (): void => undefined;
  const context = Object.assign(Object.create(null), { env, log: { info: nothing, warn: nothing, error: nothing } });
  return methodOf({ tasks, endpoints: {} }, name)?.run(payload, context);
}

async function post(
  body: string,
  headers: Record<string, string> = {},
): Promise<{ answer: Response | undefined; triggers: unknown[] }> {
  const triggers: unknown[] = [];
  const endpoint: EndpointContext = Object.assign(Object.create(null), {
    kind: "endpoint",
    triggerTaskWithEvent: async (...trigger: unknown[]) => void triggers.push(trigger),
  });
  const request = new Request("https://peach.example/hooks/audio", { method: "POST", body, headers });
  const answer = await runInScope(Object.assign(Object.create(null), endpoint), () =>
    webhook_handler(request, endpoint),
  );
  return { answer, triggers };
}

function readSample(name: string): string {
  return readFileSync(join(SAMPLE, name), "utf8");
}
