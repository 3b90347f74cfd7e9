/** Secrets and bindings that a deployment may leave out, so that `wrangler types` does not know them. */
interface __BaseEnv_Env {
  /** The API token with all rights. */
  readonly PEACH_API_TOKEN?: string;
  /** Further API tokens: `name:scope:sha256-hex`, comma separated. */
  readonly PEACH_API_TOKENS?: string;
  /** Cloudflare Access: the domain of the team (`team.cloudflareaccess.com`), and the audience tags of the application, comma separated. */
  readonly PEACH_ACCESS_TEAM_DOMAIN?: string;
  readonly PEACH_ACCESS_AUD?: string;
  /** What the identities of Access may do: `identity:scope`, comma separated; an identity is an address, a service, `*@domain` or `*`. */
  readonly PEACH_ACCESS_SCOPES?: string;
  /** Origins whose pages may call the API, comma separated, or `*`; absent: only its own. */
  readonly PEACH_CORS_ORIGINS?: string;
  /** Of requests that bring no trace, the share that begins one, from 0 to 1; absent: none. */
  readonly PEACH_TRACE_SAMPLE?: string;
  /** The host, without a port, of the dashboard and of calls with its cookies; endpoints are on the others then. Absent: all on each. */
  readonly PEACH_CONSOLE_HOST?: string;
  /** "1" on the local runtime only: it has the calls under /dev. */
  readonly PEACH_LOCAL?: string;
  /** How many runs may trigger each other in a chain; 32 if it is absent or no number. */
  readonly PEACH_MAX_TRIGGER_DEPTH?: string;
  /** Where this deployment is reached, such as https://peach.example.workers.dev: the beginning of completion URLs. */
  readonly PEACH_URL?: string;
  /** To read objects in S3 or a store like it; the region must be given too. */
  readonly AWS_ACCESS_KEY_ID?: string;
  readonly AWS_SECRET_ACCESS_KEY?: string;
  readonly AWS_REGION?: string;
  /** Of a store that is not AWS's. */
  readonly AWS_ENDPOINT_URL?: string;
  /** Workers AI, where the account has it. */
  readonly AI?: Ai;
}
