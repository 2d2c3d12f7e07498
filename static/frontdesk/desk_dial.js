// Whom to call: a number, a name, or somebody from the list.

import { Refused } from "./desk_api.js";
import { keyed, plainButton } from "./desk_dom.js";

const SHOWN = 8;
const KINDS = { Queue: "queue", User: "colleague", Custom: "contact" };

export class Dial {
  #contacts = new Map();

  constructor(root, desk, run, api) {
    Object.assign(this, { root, desk, run, api });
    this.form = root.querySelector("form");
    this.input = root.querySelector("[data-number]");
    this.from = root.querySelector("[data-from]");
    this.list = root.querySelector("[data-contacts]");
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.dial(this.input.value);
    });
    this.input.addEventListener("input", () => this.#showContacts());
    root.querySelector("[data-pad]").addEventListener("click", ({ target }) => {
      if (!target.dataset.key) return;
      this.input.value += target.dataset.key;
      this.#showContacts();
    });
  }

  /** Call a number, or somebody by name. */
  async dial(wanted) {
    const device = this.from.value;
    const path = `/devices/${device || "none"}/calls`;
    const isTaken = await this.run(async () => {
      if (!wanted.trim()) throw new Refused("Whom do you want to call? Type a number or a name.");
      if (!device) throw new Refused("You are on no telephone. Start work with one.");
      const destination = { phoneNumber: await this.desk.numberMeant(wanted) };
      return this.api.post(path, "Dial", { destination });
    });
    if (!isTaken) return;
    this.input.value = "";
    this.#showContacts();
  }

  /** Show who can be called, and from where. */
  render() {
    const devices = this.desk.activeDevices;
    const chosen = this.from.value;
    const shown = [...this.from.options].map((one) => one.value);
    if (shown.join() !== devices.map((one) => one.id).join()) {
      this.from.replaceChildren(...devices.map((one) => new Option(one.phoneNumber, one.id)));
      if (devices.some((one) => one.id === chosen)) this.from.value = chosen;
    }
    this.from.closest("[data-field]").hidden = devices.length < 2;
    this.#showContacts();
    const numbers = document.getElementById("contact-numbers");
    const options = this.desk.contacts.map((one) => {
      const option = document.createElement("option");
      [option.value, option.label] = [one.phoneNumber, one.name];
      return option;
    });
    numbers.replaceChildren(...options);
  }

  #showContacts() {
    const typed = this.input.value.trim().toLowerCase();
    const mine = new Set([...this.desk.devices.values()].map((one) => one.phoneNumber));
    const fits = (one) => `${one.name} ${one.phoneNumber}`.toLowerCase().includes(typed);
    const found = this.desk.contacts.filter((one) => !mine.has(one.phoneNumber) && fits(one));
    const wanted = new Map();
    for (const { id, name, phoneNumber, type } of found.slice(0, SHOWN)) {
      wanted.set(`${id} ${phoneNumber}`, {
        text: `Call ${name}, ${KINDS[type] ?? ""} ${phoneNumber}`,
        number: phoneNumber,
      });
    }
    keyed(this.list, this.#contacts, wanted, ({ number }) => {
      const button = plainButton();
      button.addEventListener("click", () => this.dial(number));
      return button;
    });
    const more = found.length - SHOWN;
    const note = this.root.querySelector("[data-more]");
    note.hidden = more <= 0;
    note.textContent = `And ${more} more: type a part of the name or number.`;
  }
}
