/** Passes 1 KB, whatever it reads. */
export async function kilobyte(): Promise<string> {
  return "k".repeat(1024);
}
