// The explorer: sets are found as one types, conditions suit their columns, times are the reader's. All of it works without this.
"use strict";
(() => {
  const page = document.querySelector(".explore");
  if (!page) return;

  // Sets whose words hold all that was typed.
  const wanted = page.querySelector("#q");
  const narrow = () => {
    const words = wanted.value.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    for (const group of page.querySelectorAll(".group")) {
      let some = false;
      for (const row of group.querySelectorAll("tbody tr")) {
        const text = row.dataset.words.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
        if (!row.hidden) { some = true; found += 1; }
      }
      group.hidden = !some;
    }
    page.querySelector("#found").textContent = found === 1 ? "1 set" : `${found} sets`;
  };
  // What the server has left out can only come from there.
  if (wanted && wanted.defaultValue === "") wanted.addEventListener("input", narrow);

  // A value suits its column: names where there are some, a calendar for dates, nothing where nothing is compared.
  const suit = (condition) => {
    const [column, operator, value] = condition.querySelectorAll("select, input");
    const chosen = column.selectedOptions[0];
    const bare = operator.selectedOptions[0].hasAttribute("data-bare");
    const kind = chosen.dataset.kind ?? "";
    value.readOnly = bare;
    value.placeholder = bare ? "no value" : kind.replace("Edm.", "") || "value";
    if (chosen.hasAttribute("data-named")) value.setAttribute("list", `names-${chosen.value}`);
    else value.removeAttribute("list");
    const calendar = kind === "Edm.DateTimeOffset" && /^(\d{4}-\d\d-\d\dT\d\d:\d\d)?$/.test(value.value) && !bare;
    value.type = calendar ? "datetime-local" : "text";
  };
  for (const condition of page.querySelectorAll(".condition")) {
    suit(condition);
    condition.addEventListener("change", () => suit(condition));
  }

  // Times as the reader's clock shows them; the title keeps UTC.
  const times = page.querySelectorAll(".rows time");
  for (const time of times) {
    const at = new Date(time.dateTime);
    if (!Number.isNaN(at.getTime())) time.textContent = at.toLocaleString("sv-SE");
  }
  const zone = page.querySelector(".zone");
  if (zone && times.length > 0) zone.textContent = `your time zone (${Intl.DateTimeFormat().resolvedOptions().timeZone})`;
})();
