// The pages at /explore.
import assert from "node:assert/strict";
import { open, visit } from "./browser.mjs";

/** How many rows of data the table holds. */
const rowsOf = (page) => page.getByRole("region", { name: "Rows of Sessions" }).locator("tbody tr").count();

/** A page whose first condition is on the start of sessions. */
const since = (value, top) => `/explore/main/Sessions?where=StartDate&is=ge&value=${encodeURIComponent(value)}&top=${top}`;

/** What the first condition would send. */
const sent = (page) => page.locator("form.builder").evaluate((form) => new FormData(form).getAll("value")[0]);

/** Zone, what is typed, what is asked, what stands beside the field. */
const TYPED = [
  ["Europe/Berlin", "2026-01-31T10:00", "2026-01-31T09:00:00Z", "Europe/Berlin, UTC+01:00: 2026-01-31 09:00 UTC"],
  ["Europe/Berlin", "2026-07-31T00:30", "2026-07-30T22:30:00Z", "Europe/Berlin, UTC+02:00: 2026-07-30 22:30 UTC"],
  // In spring the clock goes from 02:00 to 03:00: there is no half past two, and an hour later is meant.
  ["Europe/Berlin", "2026-03-29T01:59", "2026-03-29T00:59:00Z", "Europe/Berlin, UTC+01:00: 2026-03-29 00:59 UTC"],
  ["Europe/Berlin", "2026-03-29T02:30", "2026-03-29T01:30:00Z", "Europe/Berlin, UTC+02:00: 2026-03-29 01:30 UTC"],
  ["Europe/Berlin", "2026-03-29T03:00", "2026-03-29T01:00:00Z", "Europe/Berlin, UTC+02:00: 2026-03-29 01:00 UTC"],
  // In autumn it goes from 03:00 back to 02:00: of two hours the first is meant.
  ["Europe/Berlin", "2026-10-25T02:30", "2026-10-25T00:30:00Z", "Europe/Berlin, UTC+02:00: 2026-10-25 00:30 UTC"],
  ["Europe/Berlin", "2026-10-25T03:00", "2026-10-25T02:00:00Z", "Europe/Berlin, UTC+01:00: 2026-10-25 02:00 UTC"],
  ["Europe/London", "2026-01-31T10:00", "2026-01-31T10:00:00Z", "Europe/London, UTC+00:00: 2026-01-31 10:00 UTC"],
  ["America/St_Johns", "2026-01-01T00:00", "2026-01-01T03:30:00Z", "America/St_Johns, UTC-03:30: 2026-01-01 03:30 UTC"],
  ["UTC", "2026-01-31T10:00", "2026-01-31T10:00:00Z", "UTC"],
];

/** Zone, what the address says, what the field shows. */
const SAID = [
  ["Europe/Berlin", "2026-01-31T09:00:00Z", "2026-01-31T10:00"],
  ["Europe/Berlin", "2026-01-31", "2026-01-31T01:00"],
  ["Europe/Berlin", "2026-01-31T09:00", "2026-01-31T10:00"],
  ["Europe/Berlin", "2026-01-31T18:30:05+02:00", "2026-01-31T17:30:05"],
  ["Europe/Berlin", "2026-01-31T09:00:00.1234567Z", "2026-01-31T10:00"],
  // The clock shows this hour twice; this is the second time.
  ["Europe/Berlin", "2026-10-25T01:30:00Z", "2026-10-25T02:30"],
  ["America/St_Johns", "2026-01-01T03:30:00Z", "2026-01-01T00:00"],
];

export function checks({ browser, base }) {
  const visiting = (body, options) => () => visit(browser, base, body, options);
  return {
    "sets are found while one types": visiting(async (page) => {
      await open(page, "/explore");
      const links = page.getByRole("main").getByRole("rowheader").getByRole("link");
      const all = await links.count();
      const found = page.getByRole("status").filter({ hasText: /^\d+ sets?$/ });
      assert.equal(await found.textContent(), `${all} sets`);
      await page.getByLabel("Search sets").fill("sessions");
      await found.filter({ hasNotText: `${all} sets` }).waitFor();
      const few = await links.filter({ visible: true }).count();
      assert.ok(few > 0 && few < all, `${few} of ${all}`);
      assert.equal(await found.textContent(), few === 1 ? "1 set" : `${few} sets`);
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
      await page.getByRole("spinbutton", { name: /^Rows/ }).fill("7");
      await page.getByLabel("Count all rows").check();
      await page.getByRole("button", { name: "Show rows" }).first().click();
      await page.waitForURL(/top=7/);
      await page.getByRole("heading", { name: "Rows", exact: true }).waitFor();
      assert.equal(await rowsOf(page), 7);
      await page.getByText(/Rows 1 to 7 of [\d,]+/).waitFor();
      const address = await page.locator("pre#url").textContent();
      assert.match(decodeURIComponent(address), /Sessions\?.*\$filter=StartDate ge 2019-12-31T23:00:00Z/);
      // The address is the query's own: whoever gets it sees the same.
      const answer = await page.request.get(address.trim());
      assert.equal((await answer.json()).value.length, 7);
      await page.getByRole("link", { name: "Next 7" }).click();
      await page.getByText(/Rows 8 to 14/).waitFor();
    }),

    "times are the reader's, and the address has UTC": visiting(async (page) => {
      await open(page, "/explore/main/Sessions");
      const value = page.getByLabel("Value of condition 1");
      await page.getByLabel("Column of condition 1").selectOption("StartDate");
      await page.getByLabel("Comparison of condition 1").selectOption("ge");
      await page.getByText(/^Europe\/Berlin, UTC\+0[12]:00$/).waitFor();
      await value.fill("2020-07-01T12:30");
      assert.equal(await value.evaluate((field) => document.getElementById(field.getAttribute("aria-describedby")).textContent), "Europe/Berlin, UTC+02:00: 2020-07-01 10:30 UTC");
      await page.getByRole("spinbutton", { name: /^Rows/ }).fill("4");
      await page.getByRole("button", { name: "Show rows" }).first().click();
      await page.waitForURL(/top=4/);
      assert.equal(new URL(page.url()).searchParams.get("value"), "2020-07-01T10:30:00Z");
      assert.equal(await value.inputValue(), "2020-07-01T12:30");
      await page.getByText("Times are in your time zone (Europe/Berlin).").waitFor();
      const times = await page.getByRole("region", { name: "Rows of Sessions" }).locator("time").evaluateAll((all) => all.map(({ dateTime, title, textContent }) => ({ dateTime, title, textContent })));
      assert.ok(times.length >= 4);
      for (const { dateTime, title, textContent } of times) {
        assert.equal(textContent, new Date(dateTime).toLocaleString("sv-SE", { timeZone: "Europe/Berlin" }));
        assert.equal(title, `${dateTime.replace("T", " ").replace("Z", "")} UTC`);
      }
      // What nobody changes is asked again as it was.
      await page.getByRole("spinbutton", { name: /^Rows/ }).fill("5");
      await page.getByRole("button", { name: "Show rows" }).first().click();
      await page.waitForURL(/top=5/);
      assert.equal(new URL(page.url()).searchParams.get("value"), "2020-07-01T10:30:00Z");
    }),

    "times that are typed become UTC, where clocks change, too": async () => {
      const zones = new Set(TYPED.map(([zone]) => zone));
      for (const timezoneId of zones) {
        const cases = TYPED.filter(([zone]) => zone === timezoneId);
        const body = async (page) => {
          await open(page, "/explore/main/Sessions");
          await page.getByLabel("Column of condition 1").selectOption("StartDate");
          for (const [, typed, asked, beside] of cases) {
            await page.getByLabel("Value of condition 1").fill(typed);
            assert.equal(await sent(page), asked, `${typed} in ${timezoneId}`);
            assert.equal(await page.locator("#clock-1").textContent(), beside, typed);
          }
        };
        await visit(browser, base, body, { timezoneId });
      }
      return `${TYPED.length} times`;
    },

    "times of an address are shown by the reader's clock, and kept": async () => {
      for (const [timezoneId, said, shown] of SAID) {
        const body = async (page) => {
          await open(page, since(said, 1));
          const field = page.getByLabel("Value of condition 1");
          assert.equal(await field.inputValue(), shown, said);
          assert.equal(await sent(page), said);
          // Typed over, it is the reader's.
          await field.fill("2026-01-31T12:00");
          assert.notEqual(await sent(page), said);
        };
        await visit(browser, base, body, { timezoneId });
      }
      return `${SAID.length} times`;
    },

    "what is no time is left for the server to refuse": visiting(
      async (page) => {
        await open(page, since("2026-02-30", 1), 400);
        assert.equal(await page.getByLabel("Value of condition 1").inputValue(), "2026-02-30");
        await page.getByRole("alert").getByText("write a date such as").waitFor();
      },
      { statuses: [400] },
    ),

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
        await page.waitForURL(/q=sessions/);
        await page.getByRole("link", { name: "Sessions", exact: true }).click();
        await page.getByRole("spinbutton", { name: /^Rows/ }).fill("3");
        await page.getByRole("button", { name: "Show rows" }).first().click();
        await page.waitForURL(/top=3/);
        assert.equal(await rowsOf(page), 3);
      },
      { javaScriptEnabled: false },
    ),

    "without JavaScript all times are UTC, and say so": visiting(
      async (page) => {
        await open(page, since("2020-07-01T12:30", 3));
        await page.getByText("all must hold; times are in UTC").waitFor();
        await page.getByText("Times are in UTC.").waitFor();
        assert.equal(await page.getByLabel("Value of condition 1").inputValue(), "2020-07-01T12:30");
        assert.equal(await page.locator("#clock-1").textContent(), "UTC");
        assert.match(decodeURIComponent(await page.locator("pre#url").textContent()), /StartDate ge 2020-07-01T12:30:00Z/);
        const times = await page.getByRole("region", { name: "Rows of Sessions" }).locator("time").allTextContents();
        assert.ok(times.length >= 3 && times.every((time) => /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ$/.test(time)), times.join(", "));
      },
      { javaScriptEnabled: false },
    ),
  };
}
