import { afterEach, describe, expect, it, vi } from "vitest";
import { ProblemError } from "../../src/domain/problem.ts";
import { objectEventsFrom } from "../../src/task-helpers.ts";
import { endpointPlan, planOf } from "../support/plan.ts";
import { edge } from "../support/edge.ts";
import bridgeCreated from "./fixtures/eventbridge-object-created.json";
import bridgeDeleted from "./fixtures/eventbridge-object-deleted.json";
import minio from "./fixtures/minio-object-created.json";
import r2Copy from "./fixtures/r2-copy-object.json";
import s3Created from "./fixtures/s3-object-created.json";
import s3Test from "./fixtures/s3-test-event.json";
import snsNotification from "./fixtures/sns-notification.json";
import snsConfirmation from "./fixtures/sns-subscription-confirmation.json";

// The fixtures are the examples of the providers' own documentation; keys were given characters that tell how they are encoded.

afterEach(() => {
  vi.restoreAllMocks();
});

function eventsIn(body: unknown) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return objectEventsFrom(new Request("https://peach.example/hook", { method: "POST", body: text }));
}

/** The wrong places of a body that is refused, as `path: message`. */
async function faultsOf(body: unknown): Promise<string[]> {
  try {
    await eventsIn(body);
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    return (error.problem.errors ?? []).map(({ path, message }) => `${path}: ${message}`);
  }
  throw new Error("the body was taken");
}

/** A record of S3, changed. */
function record(change: { eventName?: string; key?: string; eventTime?: string }) {
  const [first] = s3Created.Records;
  if (first === undefined) throw new Error("the fixture has no record");
  const { key = first.s3.object.key, ...rest } = change;
  return { ...first, ...rest, s3: { ...first.s3, object: { ...first.s3.object, key } } };
}

/** A notification of SNS whose message is a list with another one, and so on. */
function messages(levels: number): unknown {
  let message: unknown = [];
  for (let level = 0; level < levels && JSON.stringify(message).length < 1_000_000; level += 1)
    message = level % 8 === 7 ? { Type: "Notification", Message: JSON.stringify(message) } : [message];
  return message;
}

const HAPPY_FACE = {
  bucket: "amzn-s3-demo-bucket",
  key: "HappyFace.jpg",
  size: null,
  etag: null,
  action: "DeleteObject",
  event_time: "1970-01-01T00:00:00.000Z",
  s3_uri: "s3://amzn-s3-demo-bucket/HappyFace.jpg",
};

describe("the body of", () => {
  it.each([
    [
      "S3, whose keys are encoded as in a form",
      s3Created,
      {
        bucket: "amzn-s3-demo-bucket",
        key: "red flower+1.jpg",
        size: 1024,
        etag: "d41d8cd98f00b204e9800998ecf8427e",
        action: "PutObject",
        event_time: "1970-01-01T00:00:00.000Z",
        s3_uri: "s3://amzn-s3-demo-bucket/red flower+1.jpg",
      },
    ],
    ["S3 in an envelope of SNS", snsNotification, HAPPY_FACE],
    [
      "EventBridge, whose keys are as they are",
      bridgeCreated,
      {
        bucket: "amzn-s3-demo-bucket1",
        key: "example+key%20",
        size: 5,
        etag: "b1946ac92492d2347c6235b4d2611184",
        action: "PutObject",
        event_time: "2021-11-12T00:00:00Z",
        s3_uri: "s3://amzn-s3-demo-bucket1/example+key%20",
      },
    ],
    [
      "EventBridge, about a deletion by a lifecycle rule",
      bridgeDeleted,
      {
        bucket: "amzn-s3-demo-bucket1",
        key: "example-key",
        size: null,
        etag: "d41d8cd98f00b204e9800998ecf8427e",
        action: "LifecycleDeletion",
        event_time: "2021-11-12T00:00:00Z",
        s3_uri: "s3://amzn-s3-demo-bucket1/example-key",
      },
    ],
    [
      "MinIO, whose keys are encoded as in a form",
      minio,
      {
        bucket: "images",
        key: "holiday/my photo.jpg",
        size: 248682,
        etag: "f1671feacb8bbf7b0397c6e9364e8c92",
        action: "PutObject",
        event_time: "2017-07-07T18:46:37Z",
        s3_uri: "s3://images/holiday/my photo.jpg",
      },
    ],
    [
      "R2, whose keys are as they are",
      r2Copy,
      {
        bucket: "my-bucket",
        key: "my+new%20object",
        size: 65536,
        etag: "c846ff7a18f28c2e262116d6e8719ef0",
        action: "CopyObject",
        event_time: "2024-05-24T19:36:44.379Z",
        s3_uri: "s3://my-bucket/my+new%20object",
      },
    ],
  ])("%s becomes what a task reads that on.r2 triggers", async (_, body, event) => {
    expect(await eventsIn(body)).toEqual([event]);
  });

  it("the body of several events, in a list or in one envelope, becomes all of them", async () => {
    const events = await eventsIn([r2Copy, bridgeCreated, { Records: [record({}), record({ key: "second" })] }]);
    expect(events.map(({ key }) => key)).toEqual(["my+new%20object", "example+key%20", "red flower+1.jpg", "second"]);
  });

  it.each([
    ["ObjectCreated:Post", "PutObject"],
    ["ObjectCreated:Copy", "CopyObject"],
    ["s3:ObjectCreated:CompleteMultipartUpload", "CompleteMultipartUpload"],
    ["ObjectRemoved:DeleteMarkerCreated", "DeleteObject"],
    ["LifecycleExpiration:Delete", "LifecycleDeletion"],
  ])("S3 about %s is told in R2's words", async (eventName, action) => {
    expect(await eventsIn({ Records: [record({ eventName })] })).toMatchObject([{ action }]);
  });

  it("a deletion that EventBridge tells of is one by a rule only where it says so", async () => {
    const by = (reason: string) => eventsIn({ ...bridgeDeleted, detail: { ...bridgeDeleted.detail, reason } });
    expect([await by("DeleteObject"), await by("Lifecycle Expiration")]).toMatchObject([
      [{ action: "DeleteObject" }],
      [{ action: "LifecycleDeletion" }],
    ]);
  });

  it("an etag is told without quotes, and none where the sender has an empty one", async () => {
    const etagOf = async (eTag: string) => {
      const { s3, ...rest } = record({});
      const [event] = await eventsIn({ Records: [{ ...rest, s3: { ...s3, object: { ...s3.object, eTag } } }] });
      return event?.etag;
    };
    expect([await etagOf('"c846"'), await etagOf('""')]).toEqual(["c846", null]);
  });

  it("the body of an event is taken within 20 lists, and refused within 21", async () => {
    const within = (levels: number): string => `${"[".repeat(levels)}${JSON.stringify(r2Copy)}${"]".repeat(levels)}`;
    expect(await eventsIn(within(20))).toHaveLength(1);
    expect(await faultsOf(within(21))).toEqual([expect.stringContaining("at most 20 levels")]);
  });

  it.each([
    ["S3's message to a new configuration", s3Test],
    ["a tag", { Records: [record({ eventName: "ObjectTagging:Put" })] }],
    ["a read", { Records: [record({ eventName: "s3:ObjectAccessed:Get" })] }],
    ["a retention that MinIO calls a creation", { Records: [record({ eventName: "s3:ObjectCreated:PutRetention" })] }],
    ["a storage class", { ...bridgeCreated, "detail-type": "Object Storage Class Changed" }],
    ["the end of a subscription", { Type: "UnsubscribeConfirmation", SubscribeURL: "https://example.org" }],
    ["nothing", { Records: [] }],
  ])("the body of an event about %s brings no event", async (_, body) => {
    expect(await eventsIn(body)).toEqual([]);
  });
});

describe("a body that is refused names every wrong place", () => {
  it.each<[string, unknown, string[]]>([
    ["no JSON", '{"Records": [', ["$.Records[0]: line 1, column 14: expected a value, found the end"]],
    ["nothing", "", ["$: the body is empty"]],
    ["a text", '"hello"', ["$: expected an object event, or a list of them"]],
    [
      "an object of somebody else",
      { hello: 1 },
      ["$: expected what S3, SNS, EventBridge, MinIO or R2 sends: Records, Type, detail-type or action"],
    ],
    ["records that are no list", { Records: {} }, ["$.Records: expected a list"]],
    [
      "a record whose time is none",
      { Records: [record({ eventTime: "yesterday" })] },
      ["$.Records[0].eventTime: expected a time in ISO 8601"],
    ],
    [
      "a key that is badly encoded",
      { Records: [record({}), record({ key: "100%" })] },
      ["$.Records[1].s3.object.key: expected a URL-encoded key"],
    ],
    [
      "a name that is no event's",
      { Records: [record({ eventName: "?" })] },
      ["$.Records[0].eventName: expected the name of an S3 event, such as ObjectCreated:Put"],
    ],
    [
      "an event of another service of AWS",
      { ...bridgeCreated, source: "aws.ec2", time: 5 },
      ["$.source: expected aws.s3", "$.time: expected a time in ISO 8601"],
    ],
    [
      "an envelope around something else",
      { ...snsNotification, Message: "Your instance was stopped" },
      ["$.Message: expected the JSON of an S3 event"],
    ],
    [
      "an envelope around a wrong record",
      { ...snsNotification, Message: JSON.stringify({ Records: [{ ...record({}), s3: {} }] }) },
      ["$.Message.Records[0].s3.bucket: ", "$.Message.Records[0].s3.object: "],
    ],
    ["an R2 notification without its object", { ...r2Copy, object: undefined }, ["$.object: "]],
    ["the second of a list", [r2Copy, 5], ["$[1]: expected an object event, or a list of them"]],
  ])("%s", async (_, body, faults) => {
    const found = await faultsOf(body);
    expect(found).toEqual(faults.map((fault) => expect.stringContaining(fault)));
  });

  it.each<[string, unknown, number]>([
    ["items that are none", Array.from({ length: 1_000_000 }, () => 0), 20],
    ["lists of none", Array.from({ length: 100_000 }, () => [0]), 20],
    ["records that are none", { Records: Array.from({ length: 9_000 }, () => 0) }, 20],
    ["more events than anybody sends", Array.from({ length: 10_001 }, () => ({ Event: "s3:TestEvent" })), 1],
    ["more records than anybody sends", { Records: Array.from({ length: 10_001 }, () => record({})) }, 1],
    ["lists in lists", "[".repeat(900) + "]".repeat(900), 1],
    ["lists in lists, without an end", "[".repeat(20_000), 0],
    ["a message in a message in a message", messages(30), 1],
    ["a name that is a megabyte", { Records: [], "detail-type": 1, ["x".repeat(1_000_000)]: 1, Type: 1, action: 1 }, 0],
  ])("a body is refused with few places, in few words: %s", async (_, body, count) => {
    const faults = await faultsOf(body).catch(() => []);
    expect(faults).toHaveLength(count);
    expect(faults.join("").length).toBeLessThan(20_000);
  });

  it("a body of 10,000 events is taken", async () => {
    expect(await eventsIn(Array.from({ length: 9_999 }, () => r2Copy))).toHaveLength(9_999);
  });

  it("a body that is refused is answered by the endpoint with 400 and the wrong places, unless it does so itself", async () => {
    const plan = planOf([], { endpoints: [endpointPlan("hook"), endpointPlan("careful")] });
    const registry = {
      endpoints: {
        hook: (request: Request) => objectEventsFrom(request),
        careful: (request: Request) => objectEventsFrom(request).catch(() => new Response("no", { status: 418 })),
      },
    };
    const send = edge(plan, { registry });
    const response = await send("/hook", { method: "POST", body: '{"Records": 5}' });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      code: "invalid_payload",
      errors: [{ path: "$.Records", message: "expected a list" }],
    });
    expect((await send("/careful", { method: "POST", body: "{" })).status).toBe(418);
    expect(await (await send("/hook", { method: "POST", body: JSON.stringify(s3Test) })).json()).toEqual([]);
  });
});

describe("the confirmation of a subscription", () => {
  it("the confirmation of a subscription is refused, and sent nowhere: it is for endpoints that verify messages of SNS", async () => {
    const fetched = vi.spyOn(globalThis, "fetch");
    expect(await faultsOf(snsConfirmation)).toEqual([expect.stringContaining("auth: {signature: sns, topics: [...]}")]);
    expect(fetched).not.toHaveBeenCalled();
  });
});
