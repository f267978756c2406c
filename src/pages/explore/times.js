// The explorer's times by the reader's clock: shown by it, and typed by it. Addresses have UTC, and so has all of it without this.
"use strict";
(() => {
  const page = document.querySelector(".explore");
  if (!page) return;
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "local time";
  if (zone !== "UTC") {
    for (const name of page.querySelectorAll(".zone")) name.textContent = `your time zone (${zone})`;
  }

  // `2026-01-31 10:00:00`, which is how Swedes write it.
  const clock = (at) => at.toLocaleString("sv-SE");

  // In rows; the title keeps UTC.
  for (const time of page.querySelectorAll(".rows time")) {
    const at = new Date(time.dateTime);
    if (!Number.isNaN(at.getTime())) time.textContent = clock(at);
  }

  // A date, and perhaps a time, a fraction and an offset.
  const WRITTEN = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(\.\d+)?(Z|[+-]\d\d:\d\d)?)?$/i;

  // The moment that a text means. `offset` stands in for one that it does not name: "Z", or nothing for the reader's own.
  const moment = (text, offset) => {
    const written = WRITTEN.exec(text.trim());
    if (!written) return undefined;
    const [, day, time = "00:00", fraction = "", said = offset] = written;
    const midnight = new Date(`${day}T00:00:00Z`);
    // Browsers may take 30 February for 2 March.
    if (Number.isNaN(midnight.getTime()) || !midnight.toISOString().startsWith(day)) return undefined;
    const seconds = time.length === 5 ? `${time}:00` : time;
    const at = new Date(`${day}T${seconds}${fraction.slice(0, 4)}${said.toUpperCase()}`);
    return Number.isNaN(at.getTime()) ? undefined : at;
  };

  // `Europe/Berlin, UTC+01:00`: the zone, and how far its clocks are ahead of UTC at that moment.
  const zoneAt = (at) => {
    const ahead = -at.getTimezoneOffset();
    const two = (number) => String(Math.floor(Math.abs(number))).padStart(2, "0");
    return zone === "UTC" ? zone : `${zone}, UTC${ahead < 0 ? "-" : "+"}${two(ahead / 60)}:${two(ahead % 60)}`;
  };

  // A condition on a time has a calendar, with the zone beside it. Returns what the address is to say of its value.
  const bind = (condition) => {
    const [column, operator, field] = condition.querySelectorAll("select, input");
    const beside = condition.querySelector(".clock");
    const isCalendar = () => field.type === "datetime-local";
    // As the address had it, and as the field shows it. Sent back as it was when nobody changed it: the field may show less
    // than it says, and an hour that clocks show twice in autumn.
    let before;
    const asked = () => (field.value === before?.shown ? before.at : moment(field.value, ""));
    const tell = () => {
      const at = asked();
      const utc = at?.toISOString().replace("T", " ").replace(/(:00)?(\.000)?Z$/, "");
      if (!isCalendar()) beside.textContent = "";
      else if (at && zone !== "UTC") beside.textContent = `${zoneAt(at)}: ${utc} UTC`;
      else beside.textContent = zoneAt(new Date());
    };
    const suit = (offset) => {
      const bare = operator.selectedOptions[0].hasAttribute("data-bare");
      const isTime = column.selectedOptions[0].dataset.kind === "Edm.DateTimeOffset" && !bare;
      const said = field.value;
      const at = moment(said, offset);
      if (!isTime) field.type = "text";
      // What is no time stays as it is, for the server to say so.
      else if (!isCalendar() && (at || said.trim() === "")) {
        field.type = "datetime-local";
        field.step = "any";
        field.value = at ? clock(at).replace(" ", "T") : "";
        // A calendar does not know the year 1, which stands for "never" now and then.
        if (at && field.value === "") [field.type, field.value] = ["text", said];
        else if (at && offset === "Z") before = { shown: field.value, said, at };
      }
      tell();
    };
    // The server has left there what the address says, which is UTC; from now on it is typed here.
    suit("Z");
    condition.addEventListener("change", () => suit(""));
    field.addEventListener("input", tell);
    return () => {
      if (!isCalendar() || field.value === "") return field.value;
      if (field.value === before?.shown) return before.said;
      return asked()?.toISOString().replace(".000Z", "Z") ?? field.value;
    };
  };
  const values = Array.from(page.querySelectorAll(".condition"), bind);
  page.querySelector(".builder")?.addEventListener("formdata", ({ formData }) => {
    formData.delete("value");
    for (const value of values) formData.append("value", value());
  });
})();
