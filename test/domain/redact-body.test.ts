import { fc } from "../support/property.ts";
import { describe, expect, it } from "vitest";
import { redactBody, type RedactPath } from "../../src/domain/redact-body.ts";

function redacted(text: string, contentType = "application/json", paths: readonly RedactPath[] = []): string {
  return new TextDecoder().decode(redactBody(new TextEncoder().encode(text), contentType, paths));
}

const HIDDEN = '"[redacted]"';

describe("what is kept of a body of JSON", () => {
  it.each([
    "token",
    "access_token",
    "accessToken",
    "refreshToken",
    "client_secret",
    "password",
    "api_key",
    "apiKey",
    "Signature",
    "Authorization",
    "credentials",
    "response_url",
    "SubscribeURL",
    "UnsubscribeURL",
    "private-key",
    "APIToken",
    "secretKey",
    "signing_key",
    "Access token",
    "user.password",
    "user[password]",
  ])("what is kept of a body of JSON has no value named %s, at any depth and of any kind", (name) => {
    for (const value of ['"s3cret"', "7", "null", '{"a": ["s3cret", {"b": 1}]}', '["s3cret"]']) {
      expect(redacted(`{"a": [{"${name}" : ${value}, "b": 1}]}`)).toBe(`{"a": [{"${name}" : ${HIDDEN}, "b": 1}]}`);
    }
  });

  it.each(["author", "key", "keys", "code", "monkey", "tokenizer", "secretary", "id", "url", "signature_valid_until"])(
    "what is kept of a body of JSON has the value named %s",
    (name) => {
      const text = `{"${name}": "kept"}`;
      expect(redacted(text)).toBe(text);
    },
  );

  it("what is kept of a body of JSON has no value at a path that peach.conf names, nor anything below it", () => {
    const text = '{"user":{"email":"a@b","name":"A"},"items":[{"ssn":"1","n":2},{"ssn":"3"}],"email":"c"}';
    const paths = [
      ["user", "email"],
      ["items", "*", "ssn"],
    ];
    expect(redacted(text, "application/json", paths)).toBe(
      `{"user":{"email":${HIDDEN},"name":"A"},"items":[{"ssn":${HIDDEN},"n":2},{"ssn":${HIDDEN}}],"email":"c"}`,
    );
    expect(redacted('{"user": {"x": 1}}', "", [["user"]])).toBe(`{"user": ${HIDDEN}}`);
    expect(redacted('[1, {"a": 2}]', "", [["1", "a"]])).toBe(`[1, {"a": ${HIDDEN}}]`);
  });

  it("what is kept of a body of JSON has no value at such a path that leads into a text that is JSON itself, as messages of SNS are", () => {
    const message = JSON.stringify({ user: { email: "a@b", name: "A" }, ids: [1, 2] });
    const kept = redacted(JSON.stringify({ Message: message, email: "c" }), "text/plain", [
      ["Message", "user", "email"],
      ["*", "ids", "0"],
    ]);
    expect(JSON.parse(kept)).toEqual({
      Message: `{"user":{"email":${HIDDEN},"name":"A"},"ids":[${HIDDEN},2]}`,
      email: "c",
    });
    expect(JSON.parse(redacted(JSON.stringify(JSON.stringify({ token: "s3cret" }))))).toBe(`{"token":${HIDDEN}}`);
  });

  it("what is kept of a body of JSON has no secret either where its letters are no UTF-8, and all the rest as it came", () => {
    const letters = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
    const sent = letters('{"name":"Jos\xe9","token":"s3cr\xe9t","inner":"{\\"token\\":1,\\"n\\":\\"\\u0151\\"}"}');
    const kept = redactBody(sent, "application/json", []);
    const beginning = letters(`{"name":"Jos\xe9","token":${HIDDEN},"inner":`);
    expect(kept.slice(0, beginning.length)).toEqual(beginning);
    expect(new TextDecoder().decode(kept.slice(beginning.length))).toBe(
      `${JSON.stringify('{"token":"[redacted]","n":"ő"}')}}`.replace("ő", "\\u0151"),
    );
  });

  it("what is kept of a body of JSON is otherwise what came, byte by byte", () => {
    const text = '\n{ "n": 12345678901234567890, "e": 1e5 , "u":"\\u00fc\\"", "token":"x"}\n';
    expect(redacted(text)).toBe(text.replace('"x"', HIDDEN));
  });

  it("what is kept of a body of JSON has no secret of a text that is JSON itself, nor of an address", () => {
    const inner = JSON.stringify({ token: "s3cret", n: 1 });
    expect(JSON.parse(redacted(JSON.stringify({ Message: inner }), "text/plain"))).toEqual({
      Message: '{"token":"[redacted]","n":1}',
    });
    const address = "https://bucket.example/a.mp3?X-Amz-Signature=0123&part=2";
    const kept = redacted(JSON.stringify({ file: address, page: "https://example.org/?q=1" }));
    expect(kept).not.toContain("0123");
    expect(kept).toContain("part=2");
    expect(kept).toContain("https://example.org/?q=1");
  });

  it("what is kept of a body of JSON has no secret where it was cut off, in the middle of one or behind it", () => {
    expect(redacted('{"a":1,"token":"s3cr')).toBe(`{"a":1,"token":${HIDDEN}`);
    expect(redacted('{"credentials":{"user":"s3')).toBe(`{"credentials":${HIDDEN}`);
    expect(redacted('{"token":"s3cret","text":"cut o')).toBe(`{"token":${HIDDEN},"text":"cut o`);
    // In a text that is JSON itself, wherever it ends.
    const whole = JSON.stringify({ Message: JSON.stringify({ token: "s3cret", text: 'a \\ "quoted" ü\u0001' }) });
    for (let end = whole.indexOf("s3cret") + 1; end <= whole.length; end += 1)
      expect(redacted(whole.slice(0, end))).not.toMatch(/s3/);
    expect(redacted('{"file":"https://bucket.example/a?X-Amz-Signature=s3cr')).not.toContain("s3cr");
  });

  it("what is kept of a body of JSON is read in time that grows with its length, however deep it is", () => {
    const text = "[".repeat(65_536);
    expect(redacted(text)).toBe(text);
    expect(redacted(`${'{"a":'.repeat(10_000)}{"token":1`)).toMatch(/"\[redacted\]"$/);
  });

  it("what is kept of a body of JSON is any JSON without secrets, as it came", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        fc.pre(!/token|secret|password|signature|key|url|auth|cookie|jwt|passphrase|credential|https?:/i.test(text));
        expect(redacted(text)).toBe(text);
      }),
    );
  });

  it("what is kept of a body of JSON hides a value wherever it stands", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (secret, rest) => {
        const text = JSON.stringify({ rest, token: { "a needle": secret }, more: [rest] });
        const kept: unknown = JSON.parse(redacted(text, "", []));
        expect(kept).toMatchObject({ token: "[redacted]" });
      }),
    );
  });
});

describe("what is kept of a form", () => {
  const FORM = "application/x-www-form-urlencoded; charset=utf-8";

  it("what is kept of a form has no field whose name sounds like a secret, or that peach.conf names", () => {
    const text = "token=xyzz0&team_id=T1&response_url=https%3A%2F%2Fhooks%2F1&text=a+b&email=a%40b";
    expect(redacted(text, FORM, [["email"]])).toBe(
      "token=%5Bredacted%5D&team_id=T1&response_url=%5Bredacted%5D&text=a+b&email=%5Bredacted%5D",
    );
  });

  it("what is kept of a form has no such field below another, as forms of PHP, Rails and Stripe name them", () => {
    const text =
      "user[password]=s3&user%5Bname%5D=A&card[api_key][]=s3&tokens[]=s3&credentials[user]=s3&user.token=s3&items[0][ssn]=s3&items[][n]=1";
    const kept = redacted(text, FORM, [["items", "*", "ssn"]]);
    expect(kept).toBe(text.replaceAll("=s3", "=%5Bredacted%5D"));
    expect(redacted("user[email][work]=s3&user[mail]=b", FORM, [["user", "email"]])).toBe(
      "user[email][work]=%5Bredacted%5D&user[mail]=b",
    );
    expect(redacted("a[b]=s3", FORM, [["a[b]"]])).toBe("a[b]=%5Bredacted%5D");
  });

  it("what is kept of a form has nothing at a path into JSON in a field", () => {
    const payload = encodeURIComponent(JSON.stringify({ user: { email: "a@b", id: 1 } }));
    const kept = new URLSearchParams(redacted(`payload=${payload}`, FORM, [["payload", "user", "email"]]));
    expect(kept.get("payload")).toBe('{"user":{"email":"[redacted]","id":1}}');
  });

  it("what is kept of a form has no secret of JSON in a field, as in an interaction of Slack", () => {
    const payload = encodeURIComponent(JSON.stringify({ token: "s3cret", type: "block_actions" }));
    const kept = new URLSearchParams(redacted(`payload=${payload}`, FORM));
    expect(kept.get("payload")).toBe('{"token":"[redacted]","type":"block_actions"}');
    // Also where it was cut off, in the middle of an escape or a character, and where it is not quite one.
    const whole = `payload=${encodeURIComponent(JSON.stringify({ token: "s3cret", text: "ü" }))}`;
    for (let end = whole.indexOf("s3cret") + 1; end <= whole.length; end += 1)
      expect(redacted(whole.slice(0, end), FORM)).not.toMatch(/s3/);
    expect(redacted(`${whole}%zz%ff`, FORM)).not.toMatch(/s3/);
  });
});

it("bytes that are no text, and text that is neither, are kept as they came", () => {
  const bytes = Uint8Array.of(0xff, 0x7b);
  expect(redactBody(bytes, "application/json", [])).toBe(bytes);
  expect(redacted("token=1", "text/plain")).toBe("token=1");
});
