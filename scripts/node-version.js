// Loaded before every command (`node --import`), and plain JavaScript, since an old Node cannot read the TypeScript that follows:
// npm scripts find Node 24 in node_modules/.bin first, unless it was never installed there.
const wanted = 24;
if (Number.parseInt(process.versions.node, 10) < wanted) {
  console.error(
    `Peach's commands need Node ${wanted}; this is ${process.version} (${process.execPath}).\n` +
      "It comes with the project: run `npm install` (not with --omit=optional), then start the command through npm, as in `npm test`.",
  );
  process.exit(1);
}
