// The board on the page: an element for each person, call and queue, which stays while the one it is
// of stays. What has changed is written once a frame; the clocks that can be seen once a second.

import { CallItem, List, PersonItem, QueueItem, UNDISTURBED, make, put } from "./board_items.js";

const LINKS = {
  connected: ["Live", "green"],
  interrupted: ["Interrupted, trying again", "amber"],
  "signed-out": ["Signed out", "red"],
};
// What stands before and after the states that an organisation has itself.
const FIRST = ["Ready", "In a call", "Call on hold", "Ringing", "Dialing"];
const LAST = ["Logged out", UNDISTURBED];

export class View {
  #visible = new Set();
  #counts = new Map();
  #chips = new Map();
  #pressed = new Set();
  #people = new Set();
  #calls = new Set();
  #queues = false;
  #frame = 0;
  #ahead = 0;

  constructor(root, model) {
    this.root = root;
    this.model = model;
    this.one = (name) => root.querySelector(`[data-${name}]`);
    this.filter = this.one("filter");
    const observer = new IntersectionObserver((entries) => this.#see(entries));
    this.people = new List(this.one("people"), observer, this.#visible);
    this.calls = new List(this.one("calls"), observer, this.#visible);
    this.queues = new List(this.one("queues"), observer, this.#visible);
    this.filter.addEventListener("input", () => this.#filterAll());
    this.filter.addEventListener("submit", (event) => event.preventDefault());
    setInterval(() => this.#tick(this.#visible), 1000);
  }

  showLink(state) {
    const [words, tone] = LINKS[state];
    const tag = this.one("link");
    put(tag, words);
    tag.className = `tag tag-${tone} board-link`;
    if (state === "signed-out") this.complain("You are signed out. Load the page again to sign in.");
  }

  /** Show what is in the way, or nothing. */
  complain(text) {
    const place = this.one("trouble");
    put(place, text);
    place.hidden = !text;
  }

  /** Show a picture that was just read, made at a moment by the server's clock. */
  showAll(at) {
    this.#ahead = Date.now() - Date.parse(at);
    this.#counts.clear();
    const { people, calls } = this.model;
    this.people.keep(people);
    this.calls.keep(calls);
    for (const item of this.people.items.values()) item.standing = null;
    let before = null;
    for (const id of people.keys()) {
      this.#showPerson(id);
      const { element } = this.people.items.get(id);
      // In the order of the picture; who is at its place stays there, with the focus.
      const next = before ? before.nextElementSibling : this.people.place.firstElementChild;
      if (element !== next) this.people.place.insertBefore(element, next);
      before = element;
    }
    for (const id of calls.keys()) this.#showCall(id);
    this.#showQueues();
    this.#showChoices("team", "teams", "All teams");
    this.#showChoices("skill", "skills", "All skills");
    this.#showCounts();
    this.#filterAll();
    this.#tick([...this.#visible]);
  }

  /** Show what has changed, with everything else of this frame. */
  change({ people = [], calls = [], queues = false }) {
    for (const id of people) this.#people.add(id);
    for (const id of calls) this.#calls.add(id);
    this.#queues ||= queues;
    this.#frame ||= requestAnimationFrame(() => this.#showChanges());
  }

  #showChanges() {
    this.#frame = 0;
    const changed = [];
    for (const id of this.#people) {
      if (!this.model.people.has(id)) continue;
      this.#showPerson(id);
      const item = this.people.items.get(id);
      this.#filterPerson(item);
      changed.push(item);
    }
    for (const id of this.#calls) {
      this.#showCall(id);
      const item = this.calls.items.get(id);
      if (item) changed.push(item);
    }
    if (this.#queues) {
      this.#showQueues();
      changed.push(...this.queues.items.values());
    }
    this.#people.clear();
    this.#calls.clear();
    this.#queues = false;
    this.#tick(changed.filter((item) => this.#visible.has(item)));
    this.#showCounts();
    this.#filterCalls();
    this.#showNumber();
  }

  // --- Who and what ---------------------------------------------------------------------------

  #showPerson(id) {
    const person = this.model.people.get(id);
    const item = this.people.item(id, () => new PersonItem(this.model, this.root.dataset.desk));
    this.#count(item, -1);
    item.show(person);
    this.#count(item, 1);
  }

  #showCall(id) {
    const parties = this.model.calls.get(id);
    if (parties) this.calls.item(id, () => new CallItem()).show(parties);
    else this.calls.remove(id);
  }

  #showQueues() {
    const { queues } = this.model;
    this.queues.keep(new Set(queues.map((queue) => queue.id)));
    for (const queue of queues) this.queues.item(queue.id, () => new QueueItem()).show(queue);
    this.one("no-queues").hidden = queues.length > 0;
  }

  #showChoices(name, members, words) {
    const select = this.filter.elements[name];
    const chosen = select.value;
    const found = new Set([...this.model.people.values()].flatMap((person) => person[members]));
    const sorted = [...found].sort((one, other) => one.localeCompare(other));
    select.replaceChildren(new Option(words, ""), ...sorted.map((one) => new Option(one, one)));
    select.value = found.has(chosen) ? chosen : "";
  }

  // --- Counts ---------------------------------------------------------------------------------

  #count(item, difference) {
    if (!item.standing) return;
    const keys = [item.standing.key];
    if (item.standing.isUndisturbed) keys.push(UNDISTURBED);
    for (const key of keys) this.#counts.set(key, (this.#counts.get(key) ?? 0) + difference);
  }

  #showCounts() {
    for (const key of this.#counts.keys()) if (!this.#chips.has(key)) this.#addChip(key);
    for (const [key, { number }] of this.#chips) put(number, String(this.#counts.get(key) ?? 0));
  }

  #addChip(key) {
    const [place, button, number] = [make("li"), make("button", "board-chip"), make("strong")];
    button.type = "button";
    button.setAttribute("aria-pressed", "false");
    button.append(make("span", "", key), number);
    button.addEventListener("click", () => this.#press(key));
    place.append(button);
    this.#chips.set(key, { place, button, number });
    // Those that are there already stay as they are, and keep the focus.
    const order = [...this.#chips.keys()].sort((one, other) => rank(one) - rank(other));
    const next = order[order.indexOf(key) + 1];
    this.one("counts").insertBefore(place, next ? this.#chips.get(next).place : null);
  }

  #press(key) {
    if (!this.#pressed.delete(key)) this.#pressed.add(key);
    this.#chips.get(key).button.setAttribute("aria-pressed", String(this.#pressed.has(key)));
    this.#filterAll();
  }

  // --- Filter ---------------------------------------------------------------------------------

  #filterAll() {
    for (const item of this.people.items.values()) this.#filterPerson(item);
    this.#filterCalls();
    this.#showNumber();
  }

  #filterPerson(item) {
    const { text, team, skill } = this.filter.elements;
    const { person, standing } = item;
    const isPressed =
      !this.#pressed.size ||
      this.#pressed.has(standing.key) ||
      (standing.isUndisturbed && this.#pressed.has(UNDISTURBED));
    const words = text.value.trim().toLowerCase().split(/\s+/);
    item.element.hidden = !(
      isPressed &&
      (!team.value || person.teams.includes(team.value)) &&
      (!skill.value || person.skills.includes(skill.value)) &&
      words.every((word) => item.text.includes(word))
    );
  }

  #filterCalls() {
    let isAny = false;
    for (const item of this.calls.items.values()) {
      const isShown = item.people.some((id) => !this.people.items.get(id)?.element.hidden);
      item.element.hidden = !isShown;
      isAny ||= isShown;
    }
    this.one("no-calls").hidden = isAny;
  }

  #showNumber() {
    let number = 0;
    for (const item of this.people.items.values()) number += item.element.hidden ? 0 : 1;
    const all = this.people.items.size;
    put(this.one("shown"), number === all ? `All ${all} shown` : `${number} of ${all} shown`);
    this.one("nobody").hidden = number > 0;
  }

  // --- Clocks ---------------------------------------------------------------------------------

  #see(entries) {
    const seen = [];
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) {
        this.#visible.add(target.item);
        seen.push(target.item);
      } else {
        this.#visible.delete(target.item);
      }
    }
    this.#tick(seen);
  }

  #tick(items) {
    if (document.hidden) return;
    const now = Date.now() - this.#ahead;
    for (const item of items) item.tick(now);
  }
}

function rank(key) {
  if (FIRST.includes(key)) return FIRST.indexOf(key);
  return LAST.includes(key) ? 101 + LAST.indexOf(key) : 100;
}
