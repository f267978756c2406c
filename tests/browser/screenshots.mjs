// Pictures of the main pages, for the documents.
import assert from "node:assert/strict";
import { mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { run } from "../clients/report.mjs";
import { open, visit } from "./browser.mjs";
import { start } from "./programs.mjs";

/** Name, path, colour scheme, height. */
const PICTURES = [
  ["status", "/", "light", 800],
  ["explore", "/explore", "light", 800],
  ["rows", "/explore/main/Sessions?top=20&asked=true#rows", "light", 520],
  ["connect", "/connect", "light", 800],
  ["power-bi", "/connect/power-bi", "light", 800],
];

/** No picture is larger, in bytes. */
const BYTES_MAX = 150 * 1024;

/** Takes all of them into a folder. */
export async function take({ browser, program, folder }) {
  mkdirSync(folder, { recursive: true });
  // Where people will find it: the port must be free.
  const demo = await start(program, ["demo", "--listen", "127.0.0.1:8484", "--sessions", "20000"]);
  const base = "http://localhost:8484";
  for (const set of ["Sessions", "Machines", "DesktopGroups"]) await (await fetch(`${base}/monitorodata/${set}`)).arrayBuffer();
  const picture = ([name, path, colorScheme, height]) => [
    `a picture of ${name}`,
    () =>
      visit(
        browser,
        base,
        async (page) => {
          await open(page, path);
          const file = join(folder, `${name}.png`);
          await page.screenshot({ path: file, animations: "disabled" });
          const { size } = statSync(file);
          assert.ok(size <= BYTES_MAX, `${file} has ${size} bytes`);
          return `${Math.round(size / 1024)} KiB`;
        },
        { colorScheme, viewport: { width: 1200, height } },
      ),
  ];
  try {
    await run("screenshots", Object.fromEntries(PICTURES.map(picture)));
  } finally {
    await demo.stop();
  }
}
