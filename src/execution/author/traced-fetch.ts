/**
 * Puts the trace of an attempt, or of an endpoint's call, on the requests that it makes with `fetch`. The global function is
 * replaced when the first traced one runs in this isolate, and not before: where nobody traces, nothing is in the way.
 */
let isInstalled = false;

/** `current`: the `traceparent` of who is running just now, or null. Requests that bring their own keep it. */
export function traceFetch(current: () => string | null): void {
  if (isInstalled) return;
  isInstalled = true;
  const fetchAsIs = globalThis.fetch;
  globalThis.fetch = (input, init) => {
    const traceparent = current();
    if (traceparent === null) return fetchAsIs(input, init);
    // As the standard has it, headers in `init` stand for all of those of a request.
    const headers = new Headers(
      init?.headers ?? (input instanceof Request ? input.headers : undefined),
    );
    if (!headers.has("traceparent")) headers.set("traceparent", traceparent);
    return fetchAsIs(input, { ...init, headers });
  };
}
