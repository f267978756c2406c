// The pages at /explore.
import assert from "node:assert/strict";
import { open, visit } from "./browser.mjs";

/** How many rows of data the table holds. */
const rowsOf = (page) => page.getByRole("region", { name: "Rows of Sessions" }).locator("tbody tr").count();

export function checks({ browser, base }) {
  const visiting = (body, options) => () => visit(browser, base, body, options);
  return {
    "sets are found while one types": visiting(async (page) => {
      await open(page, "/explore");
      const links = page.getByRole("main").getByRole("rowheader").getByRole("link");
      const all = await links.count();
      await page.getByLabel("Search sets").fill("sessions");
      await page.getByRole("status").filter({ hasText: /^\d+ sets?$/ }).waitFor();
      const few = await links.filter({ visible: true }).count();
      assert.ok(few > 0 && few < all, `${few} of ${all}`);
      await page.getByRole("link", { name: "Sessions", exact: true }).click();
      await page.getByRole("heading", { level: 1, name: "Sessions" }).waitFor();
    }),

    "a query is built and its rows are shown": visiting(async (page) => {
      await open(page, "/explore/main/Sessions");
      await page.getByLabel("Column of condition 1").selectOption("StartDate");
      await page.getByLabel("Comparison of condition 1").selectOption({ index: 1 });
      await page.getByLabel("Comparison of condition 1").selectOption("ge");
      await page.getByLabel("Value of condition 1").fill("2020-01-01T00:00");
      await page.getByLabel("Sort by").selectOption("StartDate");
      await page.getByLabel(/^Rows/).fill("7");
      await page.getByLabel("Count all rows").check();
      await page.getByRole("button", { name: "Show rows" }).first().click();
      await page.getByRole("heading", { name: "Rows", exact: true }).waitFor();
      assert.equal(await rowsOf(page), 7);
      await page.getByText(/Rows 1 to 7 of [\d,]+/).waitFor();
      const address = await page.locator("pre#url").textContent();
      assert.match(decodeURIComponent(address), /Sessions\?.*\$filter=StartDate ge 2020-01-01T00:00:00Z/);
      // The address is the query's own: whoever gets it sees the same.
      const answer = await page.request.get(address.trim());
      assert.equal((await answer.json()).value.length, 7);
      await page.getByRole("link", { name: "Next 7" }).click();
      await page.getByText(/Rows 8 to 14/).waitFor();
    }),

    "every head of a column says so": visiting(async (page) => {
      await open(page, "/explore/main/Sessions?top=5&asked=true");
      const table = page.getByRole("region", { name: "Rows of Sessions" }).getByRole("table");
      assert.ok((await table.getByRole("columnheader").count()) > 5);
      assert.equal(await table.locator("th:not([scope])").count(), 0);
      assert.equal(await table.locator("caption").count(), 1);
    }),

    "without JavaScript": visiting(
      async (page) => {
        await open(page, "/explore");
        await page.getByLabel("Search sets").fill("sessions");
        await page.getByRole("button", { name: "Search" }).click();
        await page.getByRole("link", { name: "Sessions", exact: true }).click();
        await page.getByLabel(/^Rows/).fill("3");
        await page.getByRole("button", { name: "Show rows" }).first().click();
        await page.waitForURL(/top=3/);
        assert.equal(await rowsOf(page), 3);
      },
      { javaScriptEnabled: false },
    ),
  };
}
