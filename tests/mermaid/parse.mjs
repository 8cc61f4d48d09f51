// Parses each Mermaid text of a JSON list on standard input; complains of the first wrong one.
import { readFileSync } from "node:fs";
import { JSDOM } from "jsdom";

const { window } = new JSDOM("");
globalThis.window = window;
globalThis.document = window.document;
const mermaid = (await import("mermaid")).default;
for (const text of JSON.parse(readFileSync(0, "utf8"))) {
  try {
    await mermaid.parse(text);
  } catch (error) {
    console.error(`${error.message}\n${text}`);
    process.exit(1);
  }
}
