// One line for each check: `ok   CLIENT: what`, or `FAIL CLIENT: what: why`. `tests/clients/run` counts them.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { resolve } from "node:path";

/** Loads a package from where `tests/run` installed it, outside the source tree. */
export const load = createRequire(
  resolve(process.env.CLIENT_MODULES ?? resolve(import.meta.dirname, "../../target/clients/node"), "package.json"),
);

/** The service root from the command line, with exactly one slash at its end. */
export function serviceRoot() {
  const root = process.argv[2];
  if (!root) {
    console.error(`usage: node ${process.argv[1]} SERVICE_ROOT`);
    process.exit(2);
  }
  return `${root.replace(/\/+$/, "")}/`;
}

/** Runs the checks in turn; a failed one doesn't keep the next from running. */
export async function run(client, checks) {
  for (const [what, body] of Object.entries(checks)) {
    try {
      const note = await body();
      console.log(`ok   ${client}: ${what}${note ? ` (${note})` : ""}`);
    } catch (error) {
      process.exitCode = 1;
      // o.js throws the answer itself.
      const why = error instanceof Response ? `${error.status} ${await error.text()}` : (error?.message ?? String(error));
      console.log(`FAIL ${client}: ${what}: ${why.replace(/\s+/g, " ").slice(0, 600)}`);
    }
  }
}

/** The number that `Set/$count` gives, asked with plain `fetch` as the yardstick; never zero. */
export async function countOf(root, set, filter) {
  const query = filter ? `?$filter=${encodeURIComponent(filter)}` : "";
  const answer = await fetch(`${root}${set}/$count${query}`);
  const text = await answer.text();
  assert.equal(answer.status, 200, `${set}/$count answered ${answer.status} ${text}`);
  assert.match(text, /^[1-9][0-9]*$/, `${set}/$count should be a number above zero`);
  return Number(text);
}
