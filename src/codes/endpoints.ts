/** Codes 4xx: endpoints beside each other and beside Peach's own addresses. */
import type { Definitions } from "./definition.ts";

export const ENDPOINTS = {
  PEACH401: {
    severity: "error",
    title: "A url that Peach itself serves",
    explanation: `
Peach answers these addresses with its API, its console and its checks of health. An endpoint at
such a url would never be called. Without \`url\`, an endpoint is at \`/\` and its name.`,
    wrong: `endpoints:
  health: {method: health, url: /healthz}
`,
    right: `endpoints:
  health: {method: health, url: /health}
`,
  },
  PEACH402: {
    severity: "error",
    title: "A url names a param twice",
    explanation: `
\`endpoint.params\` has each param under its name. Two params of one name would hide one
another.`,
    wrong: `endpoints:
  item: {method: item, url: "/items/:id/parts/:id"}
`,
    right: `endpoints:
  item: {method: item, url: "/items/:id/parts/:part"}
`,
  },
  PEACH403: {
    severity: "error",
    title: "A method of HTTP is named twice",
    explanation: `
The second mention has no effect, and is probably another method.`,
    wrong: `endpoints:
  item: {method: item, methods: [GET, GET]}
`,
    right: `endpoints:
  item: {method: item, methods: [GET, POST]}
`,
  },
  PEACH404: {
    severity: "error",
    title: "Two endpoints at one url",
    explanation: `
Two endpoints would answer the same requests: their urls differ at most in the names of params,
and they share a method of HTTP. Give one of them another url, or let \`methods\` tell them
apart.`,
    wrong: `endpoints:
  one: {method: one, url: "/items/:id"}
  other: {method: other, url: "/items/:name"}
`,
    right: `endpoints:
  one: {method: one, url: "/items/:id", methods: GET}
  other: {method: other, url: "/items/:name", methods: POST}
`,
  },
  PEACH405: {
    severity: "error",
    title: "A signed body that is too large",
    explanation: `
The whole body is held in memory while its signature is verified, so \`max_body\` is at most 25
MB beside a signature. Let senders upload large data and send its address.`,
    wrong: `endpoints:
  push: {method: push, max_body: 50MB, auth: {signature: github, secret: GITHUB_SECRET}}
`,
    right: `endpoints:
  push: {method: push, max_body: 25MB, auth: {signature: github, secret: GITHUB_SECRET}}
`,
  },
  PEACH406: {
    severity: "error",
    title: "A limit by token on an endpoint without tokens",
    explanation: `
\`rate_limit: {by: token}\` counts the requests of each token. Without \`auth: token\` nobody
sends one, and all callers would share a single limit.`,
    wrong: `endpoints:
  item: {method: item, rate_limit: {limit: 60, per: 1m, by: token}}
`,
    right: `endpoints:
  item: {method: item, auth: token, rate_limit: {limit: 60, per: 1m, by: token}}
`,
  },
} as const satisfies Definitions;
