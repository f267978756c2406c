// The pages at /connect.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { open, visit } from "./browser.mjs";

/** The element that has the focus, and whether one can see that. */
const focused = (page) =>
  page.evaluate(() => {
    const element = document.activeElement;
    const style = getComputedStyle(element);
    return {
      name: element.textContent.trim().slice(0, 40) || element.getAttribute("name") || element.id,
      tag: element.localName,
      visible: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    };
  });

export function checks({ browser, base }) {
  const visiting = (body, options) => () => visit(browser, base, body, options);
  return {
    "from the navigation to a program, and to another set": visiting(async (page) => {
      await open(page, "/");
      await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Connect" }).click();
      await page.getByRole("heading", { level: 1, name: "Connect" }).waitFor();
      await page.getByRole("main").getByRole("link", { name: "PowerShell" }).click();
      await page.getByLabel("Entity set").selectOption("Machines");
      await page.getByRole("button", { name: "Show" }).click();
      await page.waitForURL(/[?&]set=Machines/);
      const text = await page.locator("pre").first().textContent();
      assert.ok(text.includes(`${base}/monitorodata/Machines`), text);
      // The choice goes along to the other programs.
      await page.getByRole("navigation", { name: "Programs" }).getByRole("link", { name: "Excel" }).click();
      await page.getByText("All of Machines").waitFor();
    }),

    "by keyboard alone": visiting(async (page) => {
      await open(page, "/connect");
      await page.keyboard.press("Tab");
      assert.equal((await focused(page)).name, "Skip to the content");
      await page.keyboard.press("Enter");
      await page.keyboard.press("Tab");
      assert.equal((await focused(page)).tag, "select", "behind the skip link comes the form");
      // To its last choice. Letters that are typed would have to follow each other within a second.
      await page.keyboard.press("End");
      assert.equal(await page.getByLabel("Entity set").inputValue(), "Users");
      await page.keyboard.press("Tab");
      await page.keyboard.press("Enter");
      await page.waitForURL(/[?&]set=Users/);
      let stop;
      let steps = 0;
      do {
        await page.keyboard.press("Tab");
        stop = await focused(page);
        assert.ok(stop.visible, `the focus on ${stop.tag} ${stop.name} cannot be seen`);
        steps += 1;
        assert.ok(steps < 60, "the program is never reached");
      } while (stop.name !== "Python");
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { level: 1, name: "Python" }).waitFor();
      // To the end: nothing holds the focus.
      for (steps = 0; stop.name !== "readiness"; steps += 1) {
        await page.keyboard.press("Tab");
        stop = await focused(page);
        assert.ok(stop.visible, `the focus on ${stop.tag} ${stop.name} cannot be seen`);
        assert.ok(steps < 60, "the end of the page is never reached");
      }
    }),

    "buttons copy": visiting(
      async (page) => {
        await open(page, "/connect/power-bi");
        const button = page.locator("button[data-copy=m]");
        // The label says so for a moment, so somebody has to be looking by then.
        await Promise.all([page.getByRole("button", { name: "Copied" }).waitFor(), button.click()]);
        const copied = await page.evaluate(() => navigator.clipboard.readText());
        assert.equal(copied, await page.locator("#m").textContent());
        assert.ok(copied.startsWith("let\n") && copied.includes(`OData.Feed("${base}/monitorodata"`), copied);
      },
      { permissions: ["clipboard-read", "clipboard-write"] },
    ),

    "where a browser does not let buttons copy, the text is selected": visiting(async (page) => {
      await page.addInitScript(() => {
        navigator.clipboard.writeText = () => Promise.reject(new Error("forbidden"));
      });
      await open(page, "/connect");
      const button = page.locator("button[data-copy=root]");
      await Promise.all([page.getByRole("button", { name: /Ctrl\+C/ }).waitFor(), button.click()]);
      assert.equal(await page.evaluate(() => getSelection().toString().trim()), `${base}/monitorodata`);
    }),

    "the connection file is saved under its name": visiting(async (page) => {
      await open(page, "/connect?set=Users");
      const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Open in Power BI Desktop" }).click()]);
      assert.equal(download.suggestedFilename(), "citrix.pbids");
      const file = JSON.parse(readFileSync(await download.path(), "utf8"));
      assert.equal(file.connections[0].details.address.url, `${base}/monitorodata`);
    }),

    "without JavaScript": visiting(
      async (page) => {
        await open(page, "/connect/python");
        assert.equal(await page.getByRole("button", { name: "Copy" }).count(), 0, "a button that can do nothing");
        await page.getByLabel("Entity set").selectOption("Connections");
        await page.getByRole("button", { name: "Show" }).click();
        await page.waitForURL(/set=Connections/);
        await page.getByRole("heading", { name: "Connections as a data frame" }).waitFor();
      },
      { javaScriptEnabled: false },
    ),

    "unknown sets lead on": visiting(
      async (page) => {
        await open(page, "/connect/excel?set=Session", 404);
        await page.getByRole("link", { name: "Sessions", exact: true }).click();
        await page.waitForURL(/set=Sessions/);
      },
      { statuses: [404] },
    ),
  };
}
