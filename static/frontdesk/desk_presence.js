// How ready somebody is: states, do not disturb, telephones and channels, and the session.

import { Refused } from "./desk_api.js";
import { isSeen, keyed, put } from "./desk_dom.js";

const ORDER = ["Ready", "NotReady", "AfterCallWork", "AuxWork"];
const MEDIA = { voice: "Telephone", email: "E-mail", chat: "Chat" };
const COLOURS = { Ready: "tag-green", NotReady: "tag-amber", Logout: "tag-grey" };

/** Give the words for a state: the name of its descriptor, and the reason. */
export function wordsOf(state) {
  if (!state) return "Different states";
  const name = state.displayName ?? [state.state, state.workMode].filter(Boolean).join(", ");
  return state.reason && state.reason !== name ? `${name} (${state.reason})` : name;
}

export class Presence {
  #states = new Map();
  #things = new Map();

  constructor(root, desk, run, api) {
    Object.assign(this, { root, desk, run, api });
    this.one = (name) => root.querySelector(`[data-${name}]`);
    this.#listenToSession();
    this.one("disturb").addEventListener("click", () => this.toggleDisturb());
  }

  /** Set a state on everything. */
  setState(operationName) {
    return this.run(() => this.api.post("/me", operationName));
  }

  /** Let everything be quiet, or ring again. */
  async toggleDisturb() {
    const isOn = this.desk.me.doNotDisturb === "On";
    await this.run(() => this.api.post("/me", isOn ? "DoNotDisturbOff" : "DoNotDisturbOn"));
    await this.desk.readMe().catch(() => {});
  }

  render() {
    const focused = document.activeElement;
    this.#showStates();
    this.#showSession();
    this.#showThings();
    if (isSeen(focused) || document.activeElement !== focused) return;
    // What had the focus is gone, and nothing took its place.
    this.root.querySelector("h2").focus();
  }

  #showStates() {
    const { desk } = this;
    const now = desk.state;
    const tag = this.one("now");
    put(tag, desk.isAtWork ? wordsOf(now) : "Not at work");
    tag.className = `tag ${COLOURS[desk.isAtWork ? now?.state : "Logout"] ?? "tag-blue"}`;
    const rank = (one) => {
      const at = ORDER.indexOf(one.operationName);
      return one.state === "Logout" ? ORDER.length + 1 : at < 0 ? ORDER.length : at;
    };
    const sorted = [...desk.states].sort((one, other) => rank(one) - rank(other));
    const wanted = new Map(
      sorted.map((one) => [one.operationName, { text: wordsOf(one), name: one.operationName }]),
    );
    keyed(this.one("states"), this.#states, wanted, ({ name }) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "btn btn-plain desk-toggle";
      button.addEventListener("click", () => this.setState(name));
      return button;
    });
    for (const one of desk.states) {
      const isNow = desk.isAtWork && now?.id === one.id;
      this.#states.get(one.operationName).setAttribute("aria-pressed", String(isNow));
    }
    this.one("disturb").setAttribute("aria-pressed", String(desk.me.doNotDisturb === "On"));
  }

  // --- The session ------------------------------------------------------------------------------

  #listenToSession() {
    this.one("start").addEventListener("submit", async (event) => {
      event.preventDefault();
      const filled = new FormData(event.target);
      const members = { channels: filled.getAll("channels") };
      for (const name of ["place", "loginCode", "queue"]) {
        if (filled.get(name).trim()) members[name] = filled.get(name).trim();
      }
      const isTaken = await this.run(() => {
        if (!members.channels.length) throw new Refused("Choose by what you can be reached.");
        return this.api.post("/me", "StartContactCenterSession", members);
      });
      if (isTaken) await this.desk.load().catch(() => {});
    });
    this.one("end").addEventListener("click", async () => {
      const isTaken = await this.run(() => this.api.post("/me", "EndContactCenterSession"));
      if (isTaken) await this.desk.load().catch(() => {});
    });
  }

  #showSession() {
    const { desk } = this;
    const isOpen = {
      voice: desk.activeDevices.length > 0,
      email: this.#isOpen("email"),
      chat: this.#isOpen("chat"),
    };
    const form = this.one("start");
    put(form.querySelector("legend"), desk.isAtWork ? "Be reached by more" : "Start work with");
    for (const box of form.querySelectorAll("[name=channels]")) {
      const exists = box.value === "voice" ? desk.hasVoice : desk.features.has("api-multimedia");
      const label = box.closest("label");
      label.hidden = !exists || isOpen[box.value];
      box.disabled = label.hidden;
    }
    form.hidden = [...form.querySelectorAll("[name=channels]")].every((one) => one.disabled);
    this.one("voice-fields").hidden = !desk.hasVoice || isOpen.voice;
    put(form.querySelector("[type=submit]"), desk.isAtWork ? "Add to my work" : "Start work");
    this.one("end").hidden = !desk.isAtWork;
  }

  #isOpen(medium) {
    const channel = this.desk.channels.get(medium);
    return channel !== undefined && channel.userState.state !== "Logout";
  }

  // --- Telephones and channels ------------------------------------------------------------------

  #showThings() {
    const { desk } = this;
    const wanted = new Map();
    for (const one of desk.devices.values()) {
      wanted.set(one.id, {
        path: `/me/devices/${one.id}`,
        name: `Telephone ${one.phoneNumber}`,
        isOpen: one.deviceState === "Active",
        isQuiet: one.doNotDisturb === "On",
        ...one,
      });
    }
    for (const one of desk.channels.values()) {
      wanted.set(one.channel, {
        path: `/me/channels/${one.channel}`,
        name: MEDIA[one.channel] ?? one.channel,
        isOpen: true,
        isQuiet: one.dndState === "On",
        ...one,
      });
    }
    for (const [id, element] of this.#things) {
      if (wanted.has(id)) continue;
      element.remove();
      this.#things.delete(id);
    }
    for (const [id, thing] of wanted) {
      if (!this.#things.has(id)) this.#things.set(id, this.#made(id, thing));
      this.#showThing(this.#things.get(id), thing);
    }
    this.one("no-things").hidden = wanted.size > 0;
  }

  #made(id, { path }) {
    const element = document.getElementById("thing").content.firstElementChild.cloneNode(true);
    const one = (name) => element.querySelector(`[data-${name}]`);
    const ask = (operation, members) =>
      this.run(async () => this.api.post(path, operation, await members?.()));
    one("quiet").addEventListener("click", () =>
      ask(this.#switchOf(id, "DoNotDisturbOff") ? "DoNotDisturbOff" : "DoNotDisturbOn"),
    );
    one("unforward").addEventListener("click", () => ask("ForwardCallsOff"));
    const standing = one("standing");
    const select = standing.querySelector("select");
    select.id = standing.querySelector("label").htmlFor = `state-${id}`;
    standing.addEventListener("submit", (event) => {
      event.preventDefault();
      ask(select.value);
    });
    const form = one("forward");
    const input = form.querySelector("input");
    input.id = form.querySelector("label").htmlFor = `forward-${id}`;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const isTaken = await ask("ForwardCallsOn", async () => ({
        destination: { phoneNumber: await this.desk.numberMeant(input.value) },
      }));
      if (isTaken) input.value = "";
    });
    this.one("things").append(element);
    return element;
  }

  #switchOf(id, name) {
    const thing = this.desk.devices.get(id) ?? this.desk.channels.get(id);
    return thing.capabilities.includes(name);
  }

  /** A channel can stand otherwise than the rest; a telephone cannot. */
  #offerStates(form, thing) {
    const offered = this.desk.states.filter((one) =>
      thing.capabilities.includes(one.operationName),
    );
    form.hidden = offered.length === 0;
    const select = form.querySelector("select");
    const label = form.querySelector("label");
    put(label, `State of ${thing.name}`);
    form.querySelector("button").setAttribute("aria-label", `Set the state of ${thing.name}`);
    if (select.options.length === offered.length) return;
    select.replaceChildren(...offered.map((one) => new Option(wordsOf(one), one.operationName)));
  }

  #showThing(element, thing) {
    const focused = document.activeElement;
    const had = element.contains(focused);
    const one = (name) => element.querySelector(`[data-${name}]`);
    const can = (name) => thing.capabilities.includes(name);
    put(one("name"), thing.name);
    const tag = one("stands");
    put(tag, thing.isOpen ? wordsOf(thing.userState) : "Nobody is logged in");
    const stands = thing.isOpen ? thing.userState?.state : "Logout";
    tag.className = `tag ${COLOURS[stands] ?? "tag-blue"}`;
    const quiet = one("quiet");
    quiet.hidden = !can("DoNotDisturbOn") && !can("DoNotDisturbOff");
    quiet.setAttribute("aria-pressed", String(thing.isQuiet));
    quiet.setAttribute("aria-label", `Do not disturb: ${thing.name}`);
    this.#offerStates(one("standing"), thing);
    one("forward").hidden = !can("ForwardCallsOn");
    one("unforward").hidden = !can("ForwardCallsOff");
    put(one("unforward"), `Stop forwarding to ${this.desk.label(thing.forwardTo ?? "")}`);
    if (had && !isSeen(focused)) {
      const input = one("forward").querySelector("input");
      (can("ForwardCallsOff") ? one("unforward") : input).focus();
    }
  }
}
