// The explorer: sets are found as one types, conditions suit their columns. All of it works without this.
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

  // A value suits its column: names where there are some, nothing where nothing is compared.
  const suit = (condition) => {
    const [column, operator, value] = condition.querySelectorAll("select, input");
    const chosen = column.selectedOptions[0];
    const bare = operator.selectedOptions[0].hasAttribute("data-bare");
    const kind = chosen.dataset.kind ?? "";
    value.readOnly = bare;
    value.placeholder = bare ? "no value" : kind.replace("Edm.", "") || "value";
    if (chosen.hasAttribute("data-named")) value.setAttribute("list", `names-${chosen.value}`);
    else value.removeAttribute("list");
  };
  for (const condition of page.querySelectorAll(".condition")) {
    suit(condition);
    condition.addEventListener("change", () => suit(condition));
  }
})();
