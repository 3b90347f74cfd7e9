/**
 * Converts object events of other stores, as sent by their webhooks, to the payload of an R2
 * notification: AWS S3 (records, bare or in an SNS envelope, and EventBridge), MinIO and R2. S3 and
 * MinIO encode keys as in a form ("+" is a space); EventBridge and R2 do not. Actions are
 * translated to R2's words, so a task need not know the store.
 *
 * Events that neither create nor delete an object (tags, restores, S3's test message) are skipped.
 * A body that cannot be understood is refused as a whole, with the first wrong places. Parsing
 * stops after these places, and after more events or more depth than any store sends: every caller
 * of the endpoint can choose the body.
 */
import * as z from "zod";
import { refuse, ok, type Problem, type Result } from "../domain/problem.ts";
import { checkNow } from "../payloads/checked.ts";
import { jsonPath, type JsonStep } from "../payloads/json-path.ts";
import {
  boundedPlace,
  listedPlaces,
  MAX_WRONG_PLACES,
  toStep,
  type WrongPlace,
} from "../payloads/misfit.ts";
import { parseSentJson } from "../payloads/sent-json.ts";
import { objectEventPayload, R2_NOTIFICATION, type ObjectEventPayload } from "./r2-notification.ts";

/** The hint for a malformed body. */
export const UNCHANGED = "Send what AWS S3, SNS, EventBridge, MinIO or R2 sends, unchanged.";

type Action = z.infer<typeof R2_NOTIFICATION>["action"];
type Path = readonly JsonStep[];

/** Stores send one to ten events in a body; batching senders send thousands. */
const MAX_EVENTS = 10_000;
/** Depth of nested lists, and of SNS messages in SNS messages. */
const MAX_DEPTH = 20;

const time = z.iso.datetime({ offset: true, error: "expected a time in ISO 8601" });
const name = z
  .string({ error: "expected a text" })
  .min(1, { error: "expected a text that is not empty" });
const size = z
  .number({ error: "expected a number of bytes" })
  .nonnegative({ error: "expected a number of bytes" });

const RECORDS = z.object({
  Records: z.array(
    z.object({
      eventTime: time,
      eventName: name,
      s3: z.object({
        bucket: z.object({ name }),
        object: z.object({ key: name, size: size.optional(), eTag: z.string().optional() }),
      }),
    }),
    { error: "expected a list" },
  ),
});

const EVENT_BRIDGE = z.object({
  "detail-type": name,
  source: z.literal("aws.s3", { error: "expected aws.s3" }),
  time,
  detail: z.object({
    bucket: z.object({ name }),
    object: z.object({ key: name, size: size.optional(), etag: z.string().optional() }),
    reason: z.string().optional(),
  }),
});

const SNS_TYPES = ["Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"] as const;
const SNS = z.discriminatedUnion("Type", [
  z.object({ Type: z.literal("Notification"), Message: name }),
  z.object({ Type: z.literal("SubscriptionConfirmation") }),
  z.object({ Type: z.literal("UnsubscribeConfirmation") }),
]);

/**
 * Parses the events of a body that was parsed from JSON. Refuses with `invalid_payload` and the
 * first wrong paths.
 */
export function parseObjectEvents(body: unknown): Result<readonly ObjectEventPayload[]> {
  const reader = new BodyReader();
  reader.read(body, []);
  if (reader.faults.length > 0) return refuse(malformed(reader.faults));
  return ok(reader.events);
}

/**
 * Confirming is refused here: any sender of messages could subscribe the endpoint to a topic of
 * their own.
 */
const UNCONFIRMED =
  "expected an event: SNS asks to confirm a subscription, which Peach does by itself where the endpoint has `auth: {signature: sns, topics: [...]}`";

class BodyReader {
  readonly events: ObjectEventPayload[] = [];
  readonly faults: WrongPlace[] = [];
  #looked = 0;

  read(body: unknown, at: Path): void {
    if (this.#isEnough(at)) return;
    if (at.length > MAX_DEPTH)
      this.#fault(at, `expected at most ${MAX_DEPTH} levels of lists and messages`);
    else if (Array.isArray(body)) this.#readList(body, at);
    else if (!isObject(body)) this.#fault(at, "expected an object event, or a list of them");
    else if ("Records" in body) this.#readRecords(body, at);
    else if ("detail-type" in body) this.#readEventBridge(body, at);
    else if (SNS_TYPES.some((type) => type === body["Type"])) this.#readSns(body, at);
    else if ("action" in body || "eventTime" in body) this.#readR2(body, at);
    else if (body["Event"] !== "s3:TestEvent")
      this.#fault(
        at,
        "expected what S3, SNS, EventBridge, MinIO or R2 sends: Records, Type, detail-type or action",
      );
  }

  #readList(list: readonly unknown[], at: Path): void {
    for (const [index, one] of list.entries()) {
      if (this.faults.length >= MAX_WRONG_PLACES) return;
      this.read(one, [...at, index]);
    }
  }

  #readRecords(body: object, at: Path): void {
    const parsed = this.#parse(RECORDS, body, at);
    for (const [index, record] of (parsed?.Records ?? []).entries()) {
      if (this.#isEnough([...at, "Records"])) return;
      const { bucket, object } = record.s3;
      const action = this.#actionOf(record.eventName, [...at, "Records", index, "eventName"]);
      const key = this.#decode(object.key, [...at, "Records", index, "s3", "object", "key"]);
      if (action !== null && key !== null)
        this.#add(action, bucket.name, { ...object, key }, record.eventTime);
    }
  }

  #readEventBridge(body: object, at: Path): void {
    const parsed = this.#parse(EVENT_BRIDGE, body, at);
    if (parsed === null) return;
    const { bucket, object, reason = "" } = parsed.detail;
    const { etag: eTag, ...rest } = object;
    const action = bridgeAction(parsed["detail-type"], reason);
    if (action !== null) this.#add(action, bucket.name, { ...rest, eTag }, parsed.time);
  }

  #readSns(body: object, at: Path): void {
    const parsed = this.#parse(SNS, body, at);
    if (parsed?.Type === "Notification") {
      const path = [...at, "Message"];
      const message = parseSentJson(parsed.Message, UNCHANGED);
      if (message.ok) this.read(message.value, path);
      else this.#fault(path, "expected the JSON of an S3 event");
    } else if (parsed?.Type === "SubscriptionConfirmation") this.#fault(at, UNCONFIRMED);
  }

  #readR2(body: object, at: Path): void {
    const parsed = this.#parse(R2_NOTIFICATION, body, at);
    if (parsed !== null) this.events.push(objectEventPayload(parsed));
  }

  /** Null: the event does not change an object's bytes. */
  #actionOf(eventName: string, at: Path): Action | null {
    const words = eventName.replace(/^s3:/, "").split(":");
    const [kind = "", how = ""] = words;
    if (kind === "ObjectCreated") return createdBy(how);
    if (kind === "ObjectRemoved") return "DeleteObject";
    if (kind === "LifecycleExpiration") return "LifecycleDeletion";
    if (!/^[A-Z]\w+$/.test(kind))
      this.#fault(at, "expected the name of an S3 event, such as ObjectCreated:Put");
    return null;
  }

  /** Decodes a key as in a form: "+" is a space. */
  #decode(key: string, at: Path): string | null {
    try {
      return decodeURIComponent(key.replaceAll("+", " "));
    } catch {
      this.#fault(at, "expected a URL-encoded key");
      return null;
    }
  }

  #add(
    action: Action,
    bucket: string,
    {
      key,
      size: bytes,
      eTag,
    }: {
      readonly key: string;
      readonly size?: number | undefined;
      readonly eTag?: string | undefined;
    },
    eventTime: string,
  ): void {
    // Some senders include the quotes of the HTTP header.
    const etag = eTag?.replaceAll('"', "");
    const object = {
      key,
      ...(bytes !== undefined && { size: bytes }),
      ...(etag ? { eTag: etag } : {}),
    };
    this.events.push(objectEventPayload({ account: "", action, bucket, object, eventTime }));
  }

  #parse<T>(schema: z.ZodType<T>, body: object, at: Path): T | null {
    const checked = checkNow(schema, body);
    if (checked.ok) return checked.value;
    for (const { path, message } of checked.issues)
      this.#fault([...at, ...path.map(toStep)], message);
    return null;
  }

  /** Returns true if parsing must stop: enough faults, or too many events, which is a fault too. */
  #isEnough(at: Path): boolean {
    this.#looked += 1;
    if (this.#looked === MAX_EVENTS + 2) this.#fault(at, `expected at most ${MAX_EVENTS} events`);
    return this.#looked > MAX_EVENTS + 1 || this.faults.length >= MAX_WRONG_PLACES;
  }

  #fault(at: Path, message: string): void {
    if (this.faults.length < MAX_WRONG_PLACES)
      this.faults.push(boundedPlace({ path: jsonPath(at), message }));
  }
}

function createdBy(how: string): Action | null {
  switch (how) {
    case "Copy":
      return "CopyObject";
    case "CompleteMultipartUpload":
      return how;
    // MinIO's names of "creations" that create nothing.
    case "PutRetention":
    case "PutLegalHold":
    case "PutTagging":
    case "DeleteTagging":
      return null;
    default:
      return "PutObject";
  }
}

function bridgeAction(detailType: string, reason: string): Action | null {
  if (detailType === "Object Created")
    return reason === "CopyObject" || reason === "CompleteMultipartUpload" ? reason : "PutObject";
  if (detailType === "Object Deleted")
    return reason.startsWith("Lifecycle") ? "LifecycleDeletion" : "DeleteObject";
  return null;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function malformed(errors: readonly WrongPlace[]): Problem {
  return {
    code: "invalid_payload",
    detail: `The body is no object event: ${listedPlaces(errors)}.`,
    hint: UNCHANGED,
    errors,
  };
}
