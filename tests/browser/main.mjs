// Starts the demo and a browser, and runs all checks.
//
// usage: node main.mjs PROGRAM CHROMIUM [PICTURES]
import { run } from "../clients/report.mjs";
import { launch } from "./browser.mjs";
import * as connect from "./connect.mjs";
import * as everywhere from "./everywhere.mjs";
import * as explore from "./explore.mjs";
import * as home from "./home.mjs";
import { start } from "./programs.mjs";
import { take } from "./screenshots.mjs";
import * as trouble from "./trouble.mjs";

const [program, chromium, folder] = process.argv.slice(2);
if (!program || !chromium) {
  console.error("usage: node main.mjs PROGRAM CHROMIUM [PICTURES]");
  process.exit(2);
}
const demo = await start(program, ["demo", "--listen", "127.0.0.1:0", "--sessions", "5000"]);
const browser = await launch(chromium);
// So that the page at / has something to show.
for (const set of ["Machines", "DesktopGroups"]) await (await fetch(`${demo.base}/monitorodata/${set}`)).arrayBuffer();
const world = { browser, base: demo.base, program, folder };
try {
  const parts = { everywhere, connect, explore, trouble };
  await Promise.all(Object.entries(parts).map(([name, part]) => run(name, part.checks(world))));
  // Alone, because it has answers forgotten.
  await run("home", home.checks(world));
  if (folder) await take(world);
} finally {
  await browser.close();
  await demo.stop();
}
