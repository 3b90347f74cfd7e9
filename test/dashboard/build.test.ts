import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { buildDashboard } from "../../src/local/dashboard.ts";

const MOST_BYTES = 120 * 1_000;

describe("the built dashboard", async () => {
  const { document, assets } = await buildDashboard();
  const texts = Object.values(assets).map(({ text }) => text);

  it("the built dashboard is at most 120 KB compressed, all together", () => {
    const sizes = [document, ...texts].map((text) => gzipSync(text).byteLength);
    const total = sizes.reduce((sum, size) => sum + size, 0);
    console.log(`the dashboard: ${(total / 1_000).toFixed(1)} KB compressed`);
    expect(total).toBeLessThanOrEqual(MOST_BYTES);
  });

  it("the built dashboard has nothing inline, and names no other origin to load from", () => {
    expect(document).not.toMatch(/<style|<script(?![^>]*\ssrc=)|\sstyle=|\son\w+=|\{\{/);
    for (const [, address] of document.matchAll(/(?:src|href)="([^"]*)"/g)) expect(address).toMatch(/^\/dashboard\//);
    for (const { type, text } of Object.values(assets))
      if (type.startsWith("text/css")) expect(text).not.toMatch(/url\(|@import/);
  });
});
