// What holds on every page: axe finds nothing, light or dark; narrow screens need no sideways scrolling.
import assert from "node:assert/strict";
import { isAccessible, open, visit } from "./browser.mjs";

const PAGES = [
  ["/"],
  ["/explore"],
  ["/explore/main?q=session"],
  ["/explore/main?q=zebra"],
  ["/explore/main/Sessions"],
  ["/explore/main/Sessions?top=20&count=true&asked=true"],
  ["/explore/main/Nothing", 404],
  ["/connect"],
  ["/connect/power-bi"],
  ["/connect/power-bi?set=Users"],
  ["/connect/power-bi-gateway"],
  ["/connect/excel"],
  ["/connect/tableau"],
  ["/connect/grafana"],
  ["/connect/powershell"],
  ["/connect/python"],
  ["/connect/lotus", 404],
  ["/connect?set=Session", 404],
];

// So many pages at the same time.
const WIDTH = 3;

/** A check for each colour scheme, and one for narrow screens. */
export function checks({ browser, base }) {
  const all = async (options, body) => {
    const rest = [...PAGES];
    const found = [];
    const worker = async (page) => {
      for (let next = rest.shift(); next; next = rest.shift()) {
        const [path, status] = next;
        try {
          await open(page, path, status);
          await body(page);
        } catch (error) {
          found.push(`${path}: ${error.message}`);
        }
      }
    };
    const workers = Array.from({ length: WIDTH }, () => visit(browser, base, worker, { statuses: [404], ...options }));
    await Promise.all(workers);
    assert.deepEqual(found, []);
    return `${PAGES.length} pages`;
  };
  return {
    "axe finds nothing in light": () => all({ colorScheme: "light" }, isAccessible),
    "axe finds nothing in dark": () => all({ colorScheme: "dark" }, isAccessible),
    "narrow screens scroll in one direction": () =>
      all({ viewport: { width: 360, height: 740 } }, async (page) => {
        const width = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(width <= 360, `${width} wide`);
      }),
  };
}
