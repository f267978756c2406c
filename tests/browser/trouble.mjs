// What goes wrong: paths that are not there, a service that is gone, rows that hold HTML.
import assert from "node:assert/strict";
import { createServer, request } from "node:http";
import { isAccessible, open, visit } from "./browser.mjs";
import { serve, simulate } from "./programs.mjs";

/** What a hostile name would do. */
const HOSTILE = `<img src="/stolen" onerror="document.title='run'"><script>document.title='run'</script>`;

/** A service whose users are all called `HOSTILE`, and which is the simulator otherwise. */
async function hostile(simulator) {
  const server = createServer((asked, answer) => {
    const headers = { ...asked.headers, "accept-encoding": "identity" };
    const passed = request(new URL(asked.url, simulator), { method: asked.method, headers }, async (got) => {
      const parts = [];
      for await (const part of got) parts.push(part);
      const text = Buffer.concat(parts).toString().replace(/"UserName":"[^"]*"/g, () => `"UserName":${JSON.stringify(HOSTILE)}`);
      const { "content-length": _, "transfer-encoding": __, ...kept } = got.headers;
      answer.writeHead(got.statusCode, kept).end(text);
    });
    asked.pipe(passed);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { base: `http://127.0.0.1:${server.address().port}`, stop: () => new Promise((resolve) => server.close(resolve)) };
}

export function checks({ browser, base, program }) {
  return {
    "a path that is not there says what is": () =>
      visit(
        browser,
        base,
        async (page) => {
          await open(page, "/zebra", 404);
          await page.getByText("There is nothing at this path").waitFor();
        },
        { statuses: [404] },
      ),

    "HTML in rows is text": async () => {
      const simulator = await simulate(program, "--sessions", "50");
      const service = await hostile(simulator.base);
      const proxy = await serve(program, service.base);
      try {
        await visit(browser, proxy.base, async (page) => {
          await open(page, "/explore/main/Users?top=5&asked=true");
          const cell = page.getByRole("cell", { name: HOSTILE.slice(0, 40) }).first();
          await cell.waitFor();
          const region = page.getByRole("region", { name: "Rows of Users" });
          assert.equal(await region.locator("img, script").count(), 0);
          assert.notEqual(await page.title(), "run");
        });
      } finally {
        await proxy.stop();
        await service.stop();
        await simulator.stop();
      }
    },

    "a service that is gone is told in words": async () => {
      const simulator = await simulate(program, "--sessions", "50");
      const proxy = await serve(program, simulator.base);
      await simulator.stop();
      try {
        const options = { statuses: [502, 503, 504] };
        await visit(
          browser,
          proxy.base,
          async (page) => {
            await open(page, "/connect/power-bi?set=Connections");
            assert.equal(await page.getByLabel("Entity set").inputValue(), "Connections");
            await page.getByText("has not said yet which sets there are").waitFor();
            await isAccessible(page);
            const answer = await page.goto("/explore/main");
            assert.ok(options.statuses.includes(answer.status()), `it answered ${answer.status()}`);
            await page.getByRole("alert").getByText(/^Error 50/).waitFor();
            await isAccessible(page);
            await open(page, "/");
            await page.getByText("Last error").first().waitFor();
            await isAccessible(page);
          },
          options,
        );
      } finally {
        await proxy.stop();
      }
    },
  };
}
