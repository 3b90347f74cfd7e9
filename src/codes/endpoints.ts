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
  PEACH407: {
    severity: "error",
    title: "A signature on a recommendation endpoint",
    explanation: `
A signature covers the body of a delivery. A recommendation endpoint reads its query, which no
signature covers: whoever saw one signed request could ask for anything.`,
    wrong: `endpoints:
  recommendations:
    auth: {signature: github, secret: GITHUB_SECRET}
    components: {popular: {method: by_popularity}}
`,
    right: `endpoints:
  recommendations:
    auth: token
    components: {popular: {method: by_popularity}}
`,
  },
  PEACH408: {
    severity: "error",
    title: "Every weight is 0",
    explanation: `
The weights of components are their shares of the requests. A component with the weight 0 answers
only if \`?component=\` names it. With every weight 0 no request would be answered.`,
    wrong: `endpoints:
  recommendations:
    components:
      history: {method: by_history, weight: 0}
      popular: {method: by_popularity, weight: 0}
`,
    right: `endpoints:
  recommendations:
    components:
      history: {method: by_history, weight: 0}
      popular: {method: by_popularity, weight: 1}
`,
  },
  PEACH409: {
    severity: "error",
    title: "A name that Peach itself uses",
    explanation: `
Peach reads \`?component=\` and \`?debug=\` of a recommendation endpoint itself. Where clicks are
counted, \`fallback\` stands for the fallback, so no component has that name.`,
    wrong: `endpoints:
  recommendations:
    params: {debug: boolean}
    components: {popular: {method: by_popularity}}
`,
    right: `endpoints:
  recommendations:
    params: {explain: boolean}
    components: {popular: {method: by_popularity}}
`,
  },
  PEACH410: {
    severity: "error",
    title: "A param of the url that is not declared",
    explanation: `
The \`:params\` in the url of a recommendation endpoint are parameters like those of the query.
Declare each in \`params\` with its type; it is checked like the others.`,
    wrong: `endpoints:
  similar:
    url: "/items/:item/similar"
    components: {vectors: {method: by_vectors}}
`,
    right: `endpoints:
  similar:
    url: "/items/:item/similar"
    params: {item: string}
    components: {vectors: {method: by_vectors}}
`,
  },
  PEACH411: {
    severity: "error",
    title: "A split by user without the parameter of the user",
    explanation: `
\`split: {by: user, param: NAME}\` gives each user the same component each time. \`param\` is one of
\`params\`, of the type \`string\` or \`integer\`: its value tells users apart.`,
    wrong: `endpoints:
  recommendations:
    params: {user_id: string}
    split: {by: user, param: user}
    components: {popular: {method: by_popularity}}
`,
    right: `endpoints:
  recommendations:
    params: {user_id: string}
    split: {by: user, param: user_id}
    components: {popular: {method: by_popularity}}
`,
  },
} as const satisfies Definitions;
