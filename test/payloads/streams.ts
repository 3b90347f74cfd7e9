/** A stream of these chunks, one for each pull; an Error among them breaks it. Tells how many were given, and how it ended. */
export function pieces(...chunks: readonly (Uint8Array | Error)[]): {
  readonly stream: ReadableStream<Uint8Array>;
  readonly given: () => number;
  readonly state: () => "open" | "ended" | "cancelled";
} {
  let given = 0;
  let state: "open" | "ended" | "cancelled" = "open";
  const stream = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const chunk = chunks[given];
        given += 1;
        if (chunk instanceof Error) throw chunk;
        if (chunk !== undefined) controller.enqueue(chunk);
        else {
          state = "ended";
          controller.close();
        }
      },
      cancel() {
        state = "cancelled";
      },
    },
    { highWaterMark: 0 },
  );
  return { stream, given: () => given, state: () => state };
}
