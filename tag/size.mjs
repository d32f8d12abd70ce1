// Prints the size of each part of the tag, and fails when the whole is over its limit.
import { gzipSync } from "node:zlib";
import { bundle } from "./build.mjs";

const LIMIT_BYTES = 12 * 1024;
const zipped = (text) => gzipSync(text, { level: 9 }).length;

const { text, metafile } = await bundle("headwater.js");
const [{ inputs }] = Object.values(metafile.outputs);
const total = zipped(text);
// A part's share of the zipped whole: its minified bytes at the rate at which the whole is packed.
const rate = total / text.length;
const rows = Object.entries(inputs)
  .map(([path, { bytesInOutput }]) => [path.replace(/^.*src\//, ""), bytesInOutput])
  .sort((a, b) => b[1] - a[1]);
for (const [path, bytes] of rows) console.log(path.padEnd(24), String(bytes).padStart(6), `≈ ${Math.round(bytes * rate)} gzip`);
console.log("headwater.js".padEnd(24), String(text.length).padStart(6), `= ${total} gzip of ${LIMIT_BYTES}`);
const plugin = await bundle("headwater-capture.js");
console.log("headwater-capture.js".padEnd(24), String(plugin.text.length).padStart(6), `= ${zipped(plugin.text)} gzip`);
if (total > LIMIT_BYTES) {
  console.error("the tag is larger than its limit");
  process.exitCode = 1;
}
