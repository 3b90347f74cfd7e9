/**
 * Reads what is left of a request's body before the answer goes out, on the local runtime only: it closes a connection on which
 * the client is still sending, who then hears of a broken pipe instead of why it was refused. Cloudflare's edge takes the rest itself.
 */
export async function drained(request: Request, answer: Response | Promise<Response>): Promise<Response> {
  try {
    return await answer;
  } finally {
    if (request.body !== null && !request.bodyUsed) await drain(request.body);
  }
}

async function drain(body: ReadableStream<Uint8Array>): Promise<void> {
  try {
    await body.pipeTo(new WritableStream());
  } catch {
    // The client has gone, or somebody reads the body after the answer: there is nothing to do for us.
  }
}
