// What stands on the board for a person, a call and a queue. An element stays while what it is of
// stays, so that the focus does, and only what is different is written.

import { othersIn, standingOf, textOf, toneOf, wordsOf } from "./board_model.js";

const CHANNELS = { email: "E-mail", chat: "Chat" };
const CALL_STATES = { Held: "on hold", Ringing: "rings", Dialing: "dials" };
export const UNDISTURBED = "Do not disturb";

export const make = (tag, className = "", text = "") => {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
};

/** Write a text where it is another one. */
export const put = (element, text) => {
  if (element.textContent !== text) element.textContent = text;
};

const tagOf = (text, tone) => make("span", `tag tag-${tone}`, text);

function clock(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (number) => String(number).padStart(2, "0");
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/** Something on the page with a clock that runs while it can be seen. */
class Item {
  #clock = document.createTextNode("");

  constructor(className) {
    this.element = make("li", className);
    this.time = make("span", "board-time figures");
    this.time.append(this.#clock);
    this.since = null;
  }

  tick(now) {
    const text = this.since === null ? "" : clock(now - this.since);
    if (this.#clock.data !== text) this.#clock.data = text;
  }
}

export class PersonItem extends Item {
  #model;
  #desk;
  #shown = "";

  constructor(model, desk) {
    super("board-person");
    this.#model = model;
    this.#desk = desk;
    this.name = make("div", "board-name");
    this.name.append(make("strong"), make("small", "quiet"));
    this.state = make("div", "board-state");
    this.state.append(make("span"), tagOf(UNDISTURBED, "red"));
    this.telephones = make("div", "board-devices quiet");
    this.call = make("div", "board-call");
    this.call.append(make("span"), make("a", "", "Listen in"));
    this.element.append(this.name, this.state, this.time, this.telephones, this.call);
  }

  /** Show somebody as it is now. */
  show(person) {
    this.person = person;
    this.standing = standingOf(person);
    this.text = textOf(person, this.standing);
    const { key, tone, since, isUndisturbed } = this.standing;
    const [name, teams] = this.name.children;
    put(name, person.name);
    put(teams, person.teams.join(", "));
    const [tag, undisturbed] = this.state.children;
    put(tag, key);
    tag.className = `tag tag-${tone}`;
    undisturbed.hidden = !isUndisturbed;
    this.since = since && Date.parse(since);
    this.#showTelephones();
    this.#showCall();
  }

  #showTelephones() {
    const parts = [];
    const rows = [...this.person.devices.values(), ...this.person.channels.values()];
    // What holds for everything is said once.
    const isEverywhere = rows.every((one) => (one.doNotDisturb ?? one.dndState) === "On");
    for (const one of this.person.devices.values()) {
      const state = one.deviceState === "Active" ? one.userState : { state: "Logout" };
      const forwarded = one.forwardTo ? ` → ${one.forwardTo}` : "";
      parts.push([`${one.phoneNumber}${forwarded}`, state, one.doNotDisturb]);
    }
    for (const one of this.person.channels.values()) {
      if (one.userState.state === "Logout") continue;
      parts.push([CHANNELS[one.channel] ?? one.channel, one.userState, one.dndState]);
    }
    const shown = JSON.stringify([isEverywhere, parts]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.telephones.replaceChildren(
      ...parts.map(([what, state, undisturbed]) => {
        const isSaid = undisturbed === "On" && !isEverywhere;
        const more = isSaid ? `, ${UNDISTURBED.toLowerCase()}` : "";
        const tone = undisturbed === "On" ? "red" : toneOf(state);
        return make("span", `board-dot board-${tone}`, `${what}: ${wordsOf(state)}${more}`);
      }),
    );
  }

  #showCall() {
    const [words, link] = this.call.children;
    const calls = [...this.person.calls.values()];
    put(
      words,
      calls
        .map((call) => {
          const state = CALL_STATES[call.state];
          const parties = call.participants.length ? call.participants : [call.dnis];
          const names = parties.map((number) => this.#model.nameOf(number)).join(", ");
          return `${names}${state ? ` (${state})` : ""}`;
        })
        .join("; "),
    );
    const talking = calls.find((call) => call.state === "Established");
    const device = [...this.person.devices.values()].find(
      (one) => one.phoneNumber === talking?.phoneNumber,
    );
    const isPossible = Boolean(this.#desk && device);
    if (isPossible) {
      link.href = `${this.#desk}?listen=${encodeURIComponent(device.id)}`;
      link.setAttribute("aria-label", `Listen in: ${this.person.name}`);
    } else if (document.activeElement === link) {
      // The call is over; whoever was there stays with the person.
      this.element.tabIndex = -1;
      this.element.focus({ preventScroll: true });
    }
    link.hidden = !isPossible;
  }
}

export class CallItem extends Item {
  constructor() {
    super("board-row");
    this.words = make("span");
    this.element.append(this.words, this.time);
  }

  show(parties) {
    const here = [...parties.values()].map(({ person, call }) => {
      const state = CALL_STATES[call.state];
      return `${person.name}${state ? ` (${state})` : ""}`;
    });
    put(this.words, [...here, ...othersIn(parties)].join(", "));
    const moments = [...parties.values()].map(({ call }) => Date.parse(call.since));
    this.since = Math.min(...moments);
    this.people = [...parties.values()].map(({ person }) => person.id);
  }
}

export class QueueItem extends Item {
  constructor() {
    super("board-row");
    this.name = make("strong");
    this.words = make("span");
    this.element.append(this.name, this.words, this.time);
  }

  show(queue) {
    put(this.name, queue.name);
    put(this.words, queue.waiting ? `${queue.waiting} waiting` : "Nobody waits");
    this.words.className = queue.waiting ? "tag tag-amber" : "tag tag-grey";
    this.since = queue.since && Date.parse(queue.since);
  }
}

/** Items in their place by key, of which the page knows those that can be seen. */
export class List {
  items = new Map();

  constructor(place, observer, visible) {
    Object.assign(this, { place, observer, visible });
  }

  item(key, made) {
    let item = this.items.get(key);
    if (!item) {
      item = made();
      this.items.set(key, item);
      item.element.item = item;
      this.place.append(item.element);
      this.observer.observe(item.element);
    }
    return item;
  }

  /** Keep those of some keys. */
  keep(keys) {
    for (const key of this.items.keys()) if (!keys.has(key)) this.remove(key);
  }

  remove(key) {
    const item = this.items.get(key);
    if (!item) return;
    this.observer.unobserve(item.element);
    item.element.remove();
    this.visible.delete(item);
    this.items.delete(key);
  }
}
