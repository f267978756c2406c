// A browser whose every page is watched: no errors, no scripts that are refused, no request to anywhere else.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";

// Packages are installed outside the source tree.
const require = createRequire(resolve(process.env.BROWSER_MODULES ?? resolve(import.meta.dirname, "../../target/browser"), "package.json"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const ARGUMENTS = [
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  // Chromium refuses to run as root with its sandbox.
  ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
];

/** Starts the browser. */
export const launch = (executablePath) => chromium.launch({ executablePath, args: ARGUMENTS });

/**
 * Has `body` use a page of its own on the server at `base`, and fails when the page logs an error, or asks any other server.
 * `statuses` are those that a page may be answered with, besides 200. Its clock is not the server's, which is UTC, so that
 * nothing looks right by chance.
 */
export async function visit(browser, base, body, { statuses = [], ...options } = {}) {
  const context = await browser.newContext({ baseURL: base, viewport: { width: 1280, height: 800 }, timezoneId: "Europe/Berlin", ...options });
  // Bounds, not waits: each step goes on as soon as the page is there.
  context.setDefaultTimeout(30_000);
  const wrong = [];
  const isExpected = (text) => statuses.some((status) => text.includes(`responded with a status of ${status} `));
  context.on("request", (request) => {
    if (new URL(request.url()).origin !== new URL(base).origin) wrong.push(`asks ${request.url()}`);
  });
  context.on("weberror", (error) => wrong.push(`throws ${error.error()}`));
  context.on("console", (message) => {
    if (message.type() === "error" && !isExpected(message.text())) wrong.push(`logs ${message.text()} (${message.location().url})`);
  });
  context.on("dialog", (dialog) => {
    wrong.push(`opens a dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  try {
    const page = await context.newPage();
    const note = await body(page, context);
    assert.deepEqual(wrong, [], "the page");
    return note;
  } finally {
    await context.close();
  }
}

/** Opens a path and expects a status. */
export async function open(page, path, status = 200) {
  const answer = await page.goto(path);
  assert.equal(answer.status(), status, path);
  return answer;
}

/** Fails when axe finds anything. */
export async function isAccessible(page) {
  await page.evaluate(axe);
  const found = await page.evaluate(() => globalThis.axe.run());
  const told = found.violations.map(({ id, help, nodes }) => `${id} (${help}): ${nodes.map((node) => node.target.join(" ")).slice(0, 3).join(", ")}`);
  if (told.length > 0) throw new Error(told.join("; "));
}
