/**
 * Ways in that no OpenAPI document describes: log-in, completion, endpoints of each `auth`, object
 * events, CloudEvents in each mode, upgrades to WebSockets, event streams, and unknown paths. Pure:
 * the random source decides everything.
 */
import { gzipSync } from "node:zlib";
import type { Prng } from "../chaos/prng.ts";
import {
  type FuzzedRequest,
  type Ingredients,
  NASTY,
  oddBody,
  oneOf,
  presentable,
} from "./fuzzed-request.ts";
import { SIGNED_ENDPOINTS, signed } from "./signing.ts";

export type WayIn = (prng: Prng, ingredients: Ingredients) => FuzzedRequest;

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
  "log-in": (prng, { authorizations }) => {
    const [all = ""] = authorizations;
    const token = prng.chance(0.3) ? all.replace(/^Bearer /, "") : oneOf(prng, NASTY);
    const key = oneOf(prng, ["token", "token", "code", "__proto__"]);
    const body = prng.chance(0.7) ? JSON.stringify({ [key]: token }) : oddBody(prng);
    return request(
      "POST",
      `/dashboard/${oneOf(prng, ["login", "login", "logout", "session"])}`,
      some(prng, OWN),
      body,
    );
  },
  session: (prng) =>
    request(
      "GET",
      oneOf(prng, [
        "/dashboard/session",
        "/dashboard",
        "/dashboard/assets/none.js",
        "/api/v1/runs",
      ]),
      {
        Cookie: `peach_session=${presentable(oneOf(prng, NASTY))}`,
        ...some(prng, OWN),
      },
    ),
  completion: (prng, { known }) => {
    const tokens = known.filter((text) => text.startsWith("/complete/"));
    const path =
      tokens.length > 0 && prng.chance(0.6)
        ? oneOf(prng, tokens)
        : `/complete/${part(oneOf(prng, NASTY))}`;
    const body = oneOf(prng, [
      '{"status":"succeeded","payload":1}',
      '{"status":"failed","error":{"message":"x"}}',
      oddBody(prng),
    ]);
    return request(oneOf(prng, ["POST", "POST", "GET", "PUT"]), path, types(prng), body);
  },
  endpoint: (prng) => {
    const path = oneOf(prng, ["/open", "/any", "/safe", "/relay", "/tokens"]);
    const body = prng.chance(0.5)
      ? JSON.stringify(oneOf(prng, [["a"], [1], { a: 1 }, null]))
      : oddBody(prng);
    return request(
      oneOf(prng, ["POST", "POST", "GET", "PUT", "DELETE", "OPTIONS"]),
      path,
      types(prng),
      body,
    );
  },
  "endpoint with a token": (prng, { authorizations }) =>
    request(
      "POST",
      "/tokens",
      { Authorization: oneOf(prng, authorizations), ...types(prng) },
      oddBody(prng),
    ),
  "signed endpoint": (prng) => {
    const endpoint = oneOf(prng, SIGNED_ENDPOINTS);
    const body = prng.chance(0.5)
      ? JSON.stringify({ id: oneOf(prng, NASTY), event_id: 1 })
      : oddBody(prng);
    const headers: Record<string, string> = {
      ...types(prng),
      ...signed(endpoint, body ?? "", oneOf(prng, [0, 0, 0, -3_600, 9e9])),
    };
    if (prng.chance(0.4)) {
      const name = oneOf(prng, Object.keys(headers));
      headers[name] = presentable(
        oneOf(prng, [...NASTY, `${headers[name]},${headers[name]}`, `sha256=${headers[name]}`]),
      );
    }
    return request("POST", `/${endpoint}`, headers, body);
  },
  SNS: (prng) => {
    const message = {
      ...NOTICE,
      [oneOf(prng, Object.keys(NOTICE))]: oneOf(prng, [...NASTY, null, 1, {}, []]),
    };
    const body = prng.chance(0.8)
      ? JSON.stringify(prng.chance(0.3) ? NOTICE : message)
      : oddBody(prng);
    return request("POST", "/notices", { "Content-Type": "text/plain; charset=UTF-8" }, body);
  },
  "object events": (prng) => {
    const event = JSON.stringify(oneOf(prng, OBJECT_EVENTS));
    const broken = event.replace(
      oneOf(prng, ['"k"', "1", "uploads", "2026", "Object", "{}"]),
      oneOf(prng, ["null", "[]", "x", '"%zz"']),
    );
    const body = oneOf(prng, [
      event,
      broken,
      `[${event},${broken}]`,
      JSON.stringify({ Type: "Notification", Message: broken }),
      oddBody(prng),
    ]);
    return request("POST", "/objects", types(prng), body);
  },
  "CloudEvent, structured": (prng, { authorizations: [all = ""] }) => {
    const attribute = oneOf(prng, [
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
      ...(prng.chance(0.7) ? { [attribute]: oneOf(prng, [...NASTY, null, 1, {}]) } : {}),
    };
    const type = oneOf(prng, EVENT_TYPES);
    const body = type.includes("batch")
      ? JSON.stringify([event, CLOUD_EVENT])
      : JSON.stringify(event);
    return request(
      "POST",
      events(prng),
      { Authorization: all, "Content-Type": type },
      prng.chance(0.9) ? body : oddBody(prng),
    );
  },
  "CloudEvent, binary": (prng, { authorizations: [all = ""] }) => {
    const headers: Record<string, string> = { Authorization: all, ...types(prng) };
    for (const [name, value] of Object.entries(CLOUD_EVENT)) {
      if (prng.chance(0.9))
        headers[`ce-${name}`] = prng.chance(0.8) ? value : presentable(oneOf(prng, NASTY));
    }
    return request("POST", events(prng), headers, oddBody(prng));
  },
  "CloudEvent, handshake": (prng, { authorizations: [all = ""] }) =>
    request("OPTIONS", events(prng), {
      ...(prng.chance(0.5) ? { Authorization: all } : {}),
      "WebHook-Request-Origin": presentable(oneOf(prng, NASTY)),
      "WebHook-Request-Rate": oneOf(prng, ["120", "-1", "x"]),
    }),
  WebSocket: (prng, ingredients) => {
    const headers: Record<string, string> = {
      Authorization: oneOf(prng, ingredients.authorizations),
      Connection: "Upgrade",
      Upgrade: oneOf(prng, ["websocket", "websocket", "WebSocket", "h2c", "nonsense"]),
      "Sec-WebSocket-Version": "13",
      // Faults in these two headers are answered by the runtime, before the worker or after it.
      "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    };
    if (prng.chance(0.3)) headers["Sec-WebSocket-Protocol"] = presentable(oneOf(prng, NASTY));
    return request("GET", stream(prng, ingredients), headers);
  },
  "event stream": (prng, ingredients) =>
    request("GET", stream(prng, ingredients), {
      Authorization: oneOf(prng, ingredients.authorizations),
      Accept: oneOf(prng, ["text/event-stream", "*/*", "nothing/at-all"]),
      "Last-Event-ID": presentable(oneOf(prng, [...NASTY, "0", "1", "999999"])),
    }),
  "a compressed body": (prng, { authorizations: [all = ""] }) =>
    request(
      "POST",
      oneOf(prng, [
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
        "Content-Encoding": oneOf(prng, ENCODINGS),
      },
      oneOf(prng, [GZIPPED, GZIPPED.slice(0, 15), "plain", ""]),
    ),
  "an object by hand": (prng) =>
    request(
      oneOf(prng, ["PUT", "DELETE", "GET"]),
      `/dev/r2/${oneOf(prng, ["uploads", part(oneOf(prng, NASTY))])}/${part(oneOf(prng, NASTY))}`,
      {},
      "x",
    ),
  "a path that is none": (prng) =>
    request(
      oneOf(prng, ["GET", "POST", "HEAD", "OPTIONS", "PROPFIND"]),
      `/${part(oneOf(prng, NASTY))}/${part(oneOf(prng, NASTY))}`,
      types(prng),
      oddBody(prng),
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

function events(prng: Prng): string {
  return `/api/v1/events/${prng.chance(0.9) ? oneOf(prng, ["happened", "texts.came", "nobody"]) : part(oneOf(prng, NASTY))}`;
}

function stream(prng: Prng, { known }: Ingredients): string {
  const runs = known.filter((text) => text.startsWith("run_"));
  const run = runs.length > 0 && prng.chance(0.7) ? oneOf(prng, runs) : part(oneOf(prng, NASTY));
  return oneOf(prng, [`/api/v1/runs/${run}/events`, "/api/v1/runs/feed", `/api/v1/runs/${run}`]);
}

function types(prng: Prng): Record<string, string> {
  return prng.chance(0.7)
    ? {
        "Content-Type": oneOf(prng, [
          "application/json",
          "text/plain",
          "application/octet-stream",
          "multipart/form-data; boundary=x",
        ]),
      }
    : {};
}

function some(prng: Prng, headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(() => prng.chance(0.9)));
}

function part(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}
