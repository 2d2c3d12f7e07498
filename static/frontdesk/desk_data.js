// What is attached to a call: pairs of a key and a value, which everybody in it sees.

import { put } from "./desk_dom.js";

const shown = (value) => (typeof value === "string" ? value : JSON.stringify(value));

/** Give the part of a card that shows what is attached, and changes it. */
export function userData(place, command) {
  const rows = new Map();
  const list = place.querySelector("[data-pairs]");
  const form = place.querySelector("form");
  const [key, value] = form.querySelectorAll("input");
  const template = document.getElementById("data-pair");
  const prefix = `data-${Math.random().toString(36).slice(2)}`;
  form.querySelectorAll("label").forEach((label, at) => {
    const input = [key, value][at];
    input.id = label.htmlFor = `${prefix}-${at}`;
  });

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const operation = event.submitter?.value ?? "AttachUserData";
    if (!(await command(operation, { userData: { [key.value.trim()]: value.value } }))) return;
    key.value = value.value = "";
    key.focus();
  });
  place
    .querySelector("[data-all]")
    .addEventListener("click", () => command("DeleteUserData"));

  function made(name) {
    const row = template.content.firstElementChild.cloneNode(true);
    row.querySelector("dt").textContent = name;
    const button = row.querySelector("button");
    button.setAttribute("aria-label", `Delete ${name}`);
    button.addEventListener("click", () => command("DeleteUserDataPair", { key: name }));
    list.append(row);
    return row;
  }

  return {
    show({ userData: pairs, capabilities }) {
      const names = Object.keys(pairs);
      for (const [name, row] of rows) {
        if (Object.hasOwn(pairs, name)) continue;
        if (row.contains(document.activeElement)) place.querySelector("summary").focus();
        row.remove();
        rows.delete(name);
      }
      for (const name of names) {
        if (!rows.has(name)) rows.set(name, made(name));
        const row = rows.get(name);
        put(row.querySelector("dd span"), shown(pairs[name]));
        row.querySelector("button").hidden = !capabilities.includes("DeleteUserDataPair");
      }
      put(place.querySelector("[data-count]"), String(names.length));
      place.querySelector("[data-all]").hidden =
        names.length === 0 || !capabilities.includes("DeleteUserData");
      for (const button of form.querySelectorAll("button[value]")) {
        button.hidden = !capabilities.includes(button.value);
      }
      form.hidden = ![...form.querySelectorAll("button[value]")].some((one) => !one.hidden);
      place.hidden = form.hidden && names.length === 0;
    },
  };
}
