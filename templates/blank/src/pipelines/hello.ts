export async function hello(payload: { name?: string } | null): Promise<string> {
  return `Hello, ${payload?.name ?? "world"}`;
}
