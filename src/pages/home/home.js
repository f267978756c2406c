
// The page at "/": fetches itself again and takes over what changed, and sends its forms.
(() => {
  const home = document.getElementById("home");
  if (!home) return;
  const said = document.getElementById("home-said");
  let timer, misses = 0;

  // Makes `old` like `fresh` with as few changes as can be: elements stay, and with them focus and open details.
  const morph = (old, fresh) => {
    if (old.isEqualNode(fresh)) return old;
    if (old.nodeName !== fresh.nodeName || old.id !== fresh.id) {
      old.replaceWith(fresh);
      return fresh;
    }
    if (old.nodeType === Node.TEXT_NODE) {
      old.data = fresh.data;
      return old;
    }
    for (const { name } of [...old.attributes]) {
      const kept = name === "open" || name === "disabled" || name === "data-label";
      if (!kept && !fresh.hasAttribute(name)) old.removeAttribute(name);
    }
    for (const { name, value } of fresh.attributes) {
      if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
    // Those with an id are found again wherever they are; others by their place.
    let at = old.firstChild;
    for (const child of [...fresh.childNodes]) {
      const known = child.id && [...old.children].find((mine) => mine.id === child.id);
      if (known) {
        while (at && at !== known && !(at.id && [...fresh.children].some((other) => other.id === at.id))) {
          const gone = at;
          at = at.nextSibling;
          gone.remove();
        }
        if (at !== known) old.insertBefore(known, at);
        at = morph(known, child).nextSibling;
      } else if (!at || at.id || child.id) {
        old.insertBefore(child, at);
      } else {
        at = morph(at, child).nextSibling;
      }
    }
    while (at) {
      const gone = at;
      at = at.nextSibling;
      gone.remove();
    }
    return old;
  };

  const say = (text, bad) => {
    said.classList.toggle("bad", Boolean(bad));
    if (said.textContent !== text) said.textContent = text;
  };

  // What somebody has marked, to copy it perhaps, is left as it is.
  const isMarked = (part) => {
    const marked = getSelection();
    return marked && !marked.isCollapsed && marked.containsNode(part, true);
  };

  const look = async () => {
    clearTimeout(timer);
    if (document.hidden) return;
    try {
      const response = await fetch(location.pathname, { headers: { accept: "text/html" }, signal: AbortSignal.timeout(30000) });
      if (!response.ok) throw new Error(response.statusText);
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      const fresh = page.getElementById("home");
      if (!fresh) throw new Error("another page");
      home.toggleAttribute("data-busy", fresh.hasAttribute("data-busy"));
      for (const part of home.querySelectorAll(":scope > section")) {
        const now = page.getElementById(part.id);
        if (now && !isMarked(part)) morph(part, document.adoptNode(now));
      }
      if (misses > 0) {
        misses = 0;
        home.classList.remove("old");
        say("");
      }
    } catch {
      misses += 1;
      // One may be chance. After a few minutes nobody is to be asked in vain any more.
      if (misses > 1) {
        home.classList.add("old");
        say(misses > 20
          ? "This server does not answer, and is not asked any more. Reload the page to look again."
          : "This server does not answer. What is shown is old; it is asked again every 10 seconds.", true);
      }
      if (misses > 20) return;
    }
    clearTimeout(timer);
    timer = setTimeout(look, misses === 0 && home.hasAttribute("data-busy") ? 2000 : 10000);
  };

  const told = (body) => {
    const answers = (number) => `${number} ${number === 1 ? "answer" : "answers"}`;
    if (body.error) return body.error.message;
    if ("purged" in body) return `${answers(body.purged)} forgotten.`;
    if (body.begun === 0) return "Nothing to be made anew that is not under way already.";
    return `${answers(body.begun)} being made anew, behind everybody who waits.`;
  };

  home.addEventListener("submit", async (event) => {
    event.preventDefault();
    const form = event.target;
    const button = form.querySelector("button");
    const label = button.getAttribute("aria-label");
    // Not disabled: that would take the focus away.
    if (button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true");
    say(`${label} …`);
    try {
      const response = await fetch(form.action, { method: "POST", headers: { accept: "application/json" } });
      say(`${label}: ${told(await response.json())}`, !response.ok);
    } catch {
      say(`${label}: this server does not answer.`, true);
    }
    button.removeAttribute("aria-disabled");
    await look();
    // The button may have gone with its row.
    if (document.activeElement === document.body) said.focus();
    const words = said.textContent;
    setTimeout(() => { if (said.textContent === words && misses === 0) say(""); }, 15000);
  });

  document.addEventListener("visibilitychange", () => document.hidden ? clearTimeout(timer) : look());
  timer = setTimeout(look, 2000);
})();
