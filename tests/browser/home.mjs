// The page at /: what is stored, and having it forgotten.
import assert from "node:assert/strict";
import { open, visit } from "./browser.mjs";

export function checks({ browser, base }) {
  const visiting = (body, options) => () => visit(browser, base, body, options);
  const store = async (page) => {
    const answer = await page.request.get(`${base}/monitorodata/Catalogs`);
    assert.equal(answer.status(), 200);
    await answer.body();
  };
  const row = (page) => page.getByRole("region", { name: "Stored answers" }).getByRole("row").filter({ hasText: "Catalogs" });
  return {
    "what was asked is shown, and forgotten by a button": visiting(async (page) => {
      await store(page);
      await open(page, "/");
      await row(page).waitFor();
      await page.getByRole("button", { name: "Purge Catalogs of main" }).click();
      await page.getByRole("status").filter({ hasText: "1 answer forgotten" }).waitFor();
      await row(page).waitFor({ state: "detached" });
    }),

    "the page takes over what changed by itself": visiting(async (page) => {
      await open(page, "/");
      assert.equal(await row(page).count(), 0, "there before it was asked");
      await store(page);
      await row(page).waitFor();
      await page.getByRole("button", { name: /(Purge|Forget) all/ }).focus();
      await page.keyboard.press("Enter");
      await page.getByRole("status").filter({ hasText: /answers? forgotten/ }).waitFor();
      await row(page).waitFor({ state: "detached" });
    }),

    "without JavaScript": visiting(
      async (page) => {
        await store(page);
        await open(page, "/");
        // To leave before the answer would take the request back.
        const sent = page.waitForResponse((answer) => answer.request().method() === "POST");
        await Promise.all([sent, page.getByRole("button", { name: "Purge Catalogs of main" }).click()]);
        await open(page, "/");
        assert.equal(await row(page).count(), 0, "still there");
      },
      { javaScriptEnabled: false },
    ),
  };
}
