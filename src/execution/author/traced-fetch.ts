/**
 * Adds the trace context of an attempt or an endpoint's call to requests made with `fetch`. The
 * global function is replaced when the first traced scope runs in this isolate, so tracing costs
 * nothing where it is not used.
 */
let isInstalled = false;

/**
 * `current`: the `traceparent` of the running scope, or null. Requests with a `traceparent` of
 * their own keep it.
 */
export function traceFetch(current: () => string | null): void {
  if (isInstalled) return;
  isInstalled = true;
  const fetchAsIs = globalThis.fetch;
  globalThis.fetch = (input, init) => {
    const traceparent = current();
    if (traceparent === null) return fetchAsIs(input, init);
    // By the Fetch standard, headers in `init` replace all headers of a request.
    const headers = new Headers(
      init?.headers ?? (input instanceof Request ? input.headers : undefined),
    );
    if (!headers.has("traceparent")) headers.set("traceparent", traceparent);
    return fetchAsIs(input, { ...init, headers });
  };
}
