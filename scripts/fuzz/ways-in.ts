/**
 * Ways in that no OpenAPI document describes: log-in, completion, endpoints of each `auth`, object
 * events, CloudEvents in each mode, upgrades to WebSockets, event streams, and unknown paths. Pure:
 * the random source decides everything.
 */
import { gzipSync } from "node:zlib";
import type { Dice } from "../chaos/dice.ts";
import {
  type FuzzedRequest,
  type Ingredients,
  NASTY,
  oddBody,
  oneOf,
  presentable,
} from "./fuzzed-request.ts";
import { SIGNED_ENDPOINTS, signed } from "./signing.ts";

export type WayIn = (dice: Dice, ingredients: Ingredients) => FuzzedRequest;

const OWN = { "Sec-Fetch-Site": "same-origin", "X-Peach-Dashboard": "1" } as const;
const OBJECT_EVENTS = [
  {
    account: "a",
    action: "PutObject",
    bucket: "uploads",
    object: { key: "k", size: 1, eTag: "e" },
    eventTime: "2026-11-01T00:00:00Z",
  },
  {
    Records: [
      {
        eventTime: "2026-11-01T00:00:00Z",
        eventName: "ObjectCreated:Put",
        s3: { bucket: { name: "uploads" }, object: { key: "a+b%20c" } },
      },
    ],
  },
  {
    "detail-type": "Object Created",
    source: "aws.s3",
    time: "2026-11-01T00:00:00Z",
    detail: { bucket: { name: "b" }, object: { key: "k" } },
  },
  { Type: "Notification", Message: '{"Records":[]}' },
  {
    Type: "SubscriptionConfirmation",
    SubscribeURL: "https://sns.example.com/?Action=ConfirmSubscription",
  },
  { Event: "s3:TestEvent" },
] as const;
/**
 * A message in SNS's form, but not signed by SNS. The certificate's host is not on the internet,
 * since it would be fetched.
 */
const NOTICE = {
  Type: "Notification",
  MessageId: "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
  TopicArn: "arn:aws:sns:eu-west-1:123456789012:uploads",
  Message: '{"Records":[]}',
  Timestamp: new Date().toISOString(),
  SignatureVersion: "2",
  Signature: "AAAA",
  SigningCertURL: "https://sns.example.com/none.pem",
} as const;
const CLOUD_EVENT = { specversion: "1.0", id: "1", source: "/fuzz", type: "happened" } as const;
const EVENT_TYPES = [
  "application/cloudevents+json",
  "application/cloudevents-batch+json",
  "application/cloudevents+avro",
  "application/json",
] as const;
const ENCODINGS = ["gzip", "deflate", "br", "identity", "gzip, gzip", "x-gzip"] as const;

/** Ways in by their name in the report. */
export const WAYS_IN: Readonly<Record<string, WayIn>> = {
  "log-in": (dice, { authorizations }) => {
    const [all = ""] = authorizations;
    const token = dice.chance(0.3) ? all.replace(/^Bearer /, "") : oneOf(dice, NASTY);
    const key = oneOf(dice, ["token", "token", "code", "__proto__"]);
    const body = dice.chance(0.7) ? JSON.stringify({ [key]: token }) : oddBody(dice);
    return request(
      "POST",
      `/dashboard/${oneOf(dice, ["login", "login", "logout", "session"])}`,
      some(dice, OWN),
      body,
    );
  },
  session: (dice) =>
    request(
      "GET",
      oneOf(dice, [
        "/dashboard/session",
        "/dashboard",
        "/dashboard/assets/none.js",
        "/api/v1/runs",
      ]),
      {
        Cookie: `peach_session=${presentable(oneOf(dice, NASTY))}`,
        ...some(dice, OWN),
      },
    ),
  completion: (dice, { known }) => {
    const tokens = known.filter((text) => text.startsWith("/complete/"));
    const path =
      tokens.length > 0 && dice.chance(0.6)
        ? oneOf(dice, tokens)
        : `/complete/${part(oneOf(dice, NASTY))}`;
    const body = oneOf(dice, [
      '{"status":"succeeded","payload":1}',
      '{"status":"failed","error":{"message":"x"}}',
      oddBody(dice),
    ]);
    return request(oneOf(dice, ["POST", "POST", "GET", "PUT"]), path, types(dice), body);
  },
  endpoint: (dice) => {
    const path = oneOf(dice, ["/open", "/any", "/safe", "/relay", "/tokens"]);
    const body = dice.chance(0.5)
      ? JSON.stringify(oneOf(dice, [["a"], [1], { a: 1 }, null]))
      : oddBody(dice);
    return request(
      oneOf(dice, ["POST", "POST", "GET", "PUT", "DELETE", "OPTIONS"]),
      path,
      types(dice),
      body,
    );
  },
  "endpoint with a token": (dice, { authorizations }) =>
    request(
      "POST",
      "/tokens",
      { Authorization: oneOf(dice, authorizations), ...types(dice) },
      oddBody(dice),
    ),
  "signed endpoint": (dice) => {
    const endpoint = oneOf(dice, SIGNED_ENDPOINTS);
    const body = dice.chance(0.5)
      ? JSON.stringify({ id: oneOf(dice, NASTY), event_id: 1 })
      : oddBody(dice);
    const headers: Record<string, string> = {
      ...types(dice),
      ...signed(endpoint, body ?? "", oneOf(dice, [0, 0, 0, -3_600, 9e9])),
    };
    if (dice.chance(0.4)) {
      const name = oneOf(dice, Object.keys(headers));
      headers[name] = presentable(
        oneOf(dice, [...NASTY, `${headers[name]},${headers[name]}`, `sha256=${headers[name]}`]),
      );
    }
    return request("POST", `/${endpoint}`, headers, body);
  },
  SNS: (dice) => {
    const message = {
      ...NOTICE,
      [oneOf(dice, Object.keys(NOTICE))]: oneOf(dice, [...NASTY, null, 1, {}, []]),
    };
    const body = dice.chance(0.8)
      ? JSON.stringify(dice.chance(0.3) ? NOTICE : message)
      : oddBody(dice);
    return request("POST", "/notices", { "Content-Type": "text/plain; charset=UTF-8" }, body);
  },
  "object events": (dice) => {
    const event = JSON.stringify(oneOf(dice, OBJECT_EVENTS));
    const broken = event.replace(
      oneOf(dice, ['"k"', "1", "uploads", "2026", "Object", "{}"]),
      oneOf(dice, ["null", "[]", "x", '"%zz"']),
    );
    const body = oneOf(dice, [
      event,
      broken,
      `[${event},${broken}]`,
      JSON.stringify({ Type: "Notification", Message: broken }),
      oddBody(dice),
    ]);
    return request("POST", "/objects", types(dice), body);
  },
  "CloudEvent, structured": (dice, { authorizations: [all = ""] }) => {
    const attribute = oneOf(dice, [
      "id",
      "source",
      "type",
      "specversion",
      "datacontenttype",
      "time",
      "subject",
      "data",
      "data_base64",
      "extension",
    ]);
    const event = {
      ...CLOUD_EVENT,
      data: 1,
      ...(dice.chance(0.7) ? { [attribute]: oneOf(dice, [...NASTY, null, 1, {}]) } : {}),
    };
    const type = oneOf(dice, EVENT_TYPES);
    const body = type.includes("batch")
      ? JSON.stringify([event, CLOUD_EVENT])
      : JSON.stringify(event);
    return request(
      "POST",
      events(dice),
      { Authorization: all, "Content-Type": type },
      dice.chance(0.9) ? body : oddBody(dice),
    );
  },
  "CloudEvent, binary": (dice, { authorizations: [all = ""] }) => {
    const headers: Record<string, string> = { Authorization: all, ...types(dice) };
    for (const [name, value] of Object.entries(CLOUD_EVENT)) {
      if (dice.chance(0.9))
        headers[`ce-${name}`] = dice.chance(0.8) ? value : presentable(oneOf(dice, NASTY));
    }
    return request("POST", events(dice), headers, oddBody(dice));
  },
  "CloudEvent, handshake": (dice, { authorizations: [all = ""] }) =>
    request("OPTIONS", events(dice), {
      ...(dice.chance(0.5) ? { Authorization: all } : {}),
      "WebHook-Request-Origin": presentable(oneOf(dice, NASTY)),
      "WebHook-Request-Rate": oneOf(dice, ["120", "-1", "x"]),
    }),
  WebSocket: (dice, ingredients) => {
    const headers: Record<string, string> = {
      Authorization: oneOf(dice, ingredients.authorizations),
      Connection: "Upgrade",
      Upgrade: oneOf(dice, ["websocket", "websocket", "WebSocket", "h2c", "nonsense"]),
      "Sec-WebSocket-Version": "13",
      // Faults in these two headers are answered by the runtime, before the worker or after it.
      "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    };
    if (dice.chance(0.3)) headers["Sec-WebSocket-Protocol"] = presentable(oneOf(dice, NASTY));
    return request("GET", stream(dice, ingredients), headers);
  },
  "event stream": (dice, ingredients) =>
    request("GET", stream(dice, ingredients), {
      Authorization: oneOf(dice, ingredients.authorizations),
      Accept: oneOf(dice, ["text/event-stream", "*/*", "nothing/at-all"]),
      "Last-Event-ID": presentable(oneOf(dice, [...NASTY, "0", "1", "999999"])),
    }),
  "a compressed body": (dice, { authorizations: [all = ""] }) =>
    request(
      "POST",
      oneOf(dice, [
        "/any",
        "/objects",
        "/plain",
        "/relay",
        "/dashboard/login",
        "/api/v1/tasks/echo/trigger",
        "/api/v1/events/happened",
      ]),
      {
        Authorization: all,
        ...OWN,
        "Content-Type": "application/json",
        "Content-Encoding": oneOf(dice, ENCODINGS),
      },
      oneOf(dice, [GZIPPED, GZIPPED.slice(0, 15), "plain", ""]),
    ),
  "an object by hand": (dice) =>
    request(
      oneOf(dice, ["PUT", "DELETE", "GET"]),
      `/dev/r2/${oneOf(dice, ["uploads", part(oneOf(dice, NASTY))])}/${part(oneOf(dice, NASTY))}`,
      {},
      "x",
    ),
  "a path that is none": (dice) =>
    request(
      oneOf(dice, ["GET", "POST", "HEAD", "OPTIONS", "PROPFIND"]),
      `/${part(oneOf(dice, NASTY))}/${part(oneOf(dice, NASTY))}`,
      types(dice),
      oddBody(dice),
    ),
};

const GZIPPED = new Uint8Array(gzipSync('{"a":1}'));

function request(
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  body: FuzzedRequest["body"] = null,
): FuzzedRequest {
  return {
    id: "",
    method,
    path,
    headers,
    body: method === "GET" || method === "HEAD" ? null : body,
  };
}

function events(dice: Dice): string {
  return `/api/v1/events/${dice.chance(0.9) ? oneOf(dice, ["happened", "texts.came", "nobody"]) : part(oneOf(dice, NASTY))}`;
}

function stream(dice: Dice, { known }: Ingredients): string {
  const runs = known.filter((text) => text.startsWith("run_"));
  const run = runs.length > 0 && dice.chance(0.7) ? oneOf(dice, runs) : part(oneOf(dice, NASTY));
  return oneOf(dice, [`/api/v1/runs/${run}/events`, "/api/v1/runs/feed", `/api/v1/runs/${run}`]);
}

function types(dice: Dice): Record<string, string> {
  return dice.chance(0.7)
    ? {
        "Content-Type": oneOf(dice, [
          "application/json",
          "text/plain",
          "application/octet-stream",
          "multipart/form-data; boundary=x",
        ]),
      }
    : {};
}

function some(dice: Dice, headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(() => dice.chance(0.9)));
}

function part(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}
