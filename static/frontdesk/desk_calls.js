// The calls: a card for each, with the buttons that the call allows at this moment.

import { askForm } from "./desk_ask.js";
import { userData } from "./desk_data.js";
import { isSeen, keyed, plainButton, put } from "./desk_dom.js";
import { idIn } from "./desk_model.js";

const STATES = {
  Dialing: ["Calling", "tag-blue"],
  Ringing: ["Ringing", "tag-amber"],
  Established: ["Talking", "tag-green"],
  Held: ["On hold", "tag-grey"],
};
const TYPES = {
  Internal: "Between colleagues",
  Inbound: "From outside",
  Outbound: "To the outside",
  Consult: "To ask somebody",
};
// Where the button that was pressed goes, its counterpart takes its place.
const NEXT = {
  Answer: "Hold",
  Hold: "Retrieve",
  Retrieve: "Hold",
  MuteCall: "UnmuteCall",
  UnmuteCall: "MuteCall",
};
const WITH_ANOTHER = {
  CompleteTransfer: ["Complete the transfer", "consultCallUri"],
  CompleteConference: ["Complete the conference", "consultCallUri"],
  SwapCalls: ["Swap", "otherCallUri"],
  MergeWithOtherCall: ["Merge", "otherCallUri"],
};
const PLAIN = ["Answer", "Hangup", "Hold", "Retrieve", "MuteCall", "UnmuteCall"];

/** Give the words for a state of a call. */
export const stateOf = (call) => STATES[call.state]?.[0] ?? call.state;

/** Give the names of those in a call. */
export function partiesOf(call, desk) {
  return call.participants.map((number) => desk.nameOf(number) || number).join(", ") || "Nobody";
}

/** Give seconds as a clock. */
function clock(seconds) {
  const two = (number) => String(number).padStart(2, "0");
  const [minutes, rest] = [Math.floor(seconds / 60), seconds % 60];
  const hours = Math.floor(minutes / 60);
  return `${hours ? `${hours}:${two(minutes % 60)}` : minutes}:${two(rest)}`;
}

export class CallList {
  #cards = new Map();

  /** `run(text, command)` carries a command out and says what became of it. */
  constructor(root, desk, run, api) {
    Object.assign(this, { root, desk, run, api });
    this.list = root.querySelector("[data-calls]");
    this.title = root.querySelector("#calls-title");
    this.template = document.getElementById("call-card");
    setInterval(() => this.#tick(), 1000);
  }

  /** Show the calls as they are now. */
  render() {
    const { calls } = this.desk;
    for (const [id, card] of this.#cards) if (!calls.has(id)) this.#remove(id, card);
    for (const call of calls.values()) {
      if (!this.#cards.has(call.id)) this.#cards.set(call.id, this.#made(call.id));
      this.#show(this.#cards.get(call.id), call);
    }
    this.root.querySelector("[data-no-calls]").hidden = calls.size > 0;
    this.#tick();
  }

  /** Give the call that a shortcut means: the one with the focus, else the most pressing one. */
  meant(capability) {
    const able = [...this.desk.calls.values()].filter((one) =>
      one.capabilities.includes(capability),
    );
    const focused = document.activeElement.closest("[data-call]")?.dataset.call;
    const order = ["Ringing", "Established", "Dialing", "Held"];
    const rank = (one) => (one.id === focused ? -1 : order.indexOf(one.state));
    return able.sort((one, other) => rank(one) - rank(other))[0] ?? null;
  }

  /** Press the button of an operation of the call that is meant; false when no call allows it. */
  press(...operations) {
    for (const operation of operations) {
      const call = this.meant(operation);
      if (call) {
        this.#cards.get(call.id).element.querySelector(`[data-do="${operation}"]`).click();
        return true;
      }
    }
    return false;
  }

  #made(id) {
    const element = this.template.content.firstElementChild.cloneNode(true);
    element.dataset.call = id;
    const title = element.querySelector("h3");
    title.id = `call-${id}`;
    element.setAttribute("aria-labelledby", title.id);
    const one = (name) => element.querySelector(`[data-${name}]`);
    const card = { element, one, others: new Map(), parties: new Map(), doing: new Set() };
    const command = (operation, members) => this.#command(card, id, operation, members);
    card.ask = askForm(one("ask"), this.desk, command);
    card.data = userData(one("attached"), command);
    for (const button of one("operations").querySelectorAll("[data-do]")) {
      const operation = button.dataset.do;
      const isPlain = PLAIN.includes(operation);
      button.addEventListener("click", () =>
        isPlain ? command(operation) : card.ask.open(operation, button),
      );
    }
    this.list.append(element);
    return card;
  }

  async #command(card, id, operation, members) {
    // Pressed twice it is meant once. What became of it is told sooner than it is answered: by then
    // something else can be pressed.
    if (card.doing.has(operation)) return false;
    card.doing.add(operation);
    try {
      return await this.run(async () => {
        const given = typeof members === "function" ? await members() : members;
        return this.api.post(`/me/calls/${id}`, operation, given);
      });
    } finally {
      card.doing.delete(operation);
    }
  }

  #remove(id, card) {
    const had = card.element.contains(document.activeElement);
    const next = card.element.nextElementSibling ?? card.element.previousElementSibling;
    card.element.remove();
    this.#cards.delete(id);
    if (had) (next ?? this.title).focus();
  }

  #show(card, call) {
    const focused = document.activeElement;
    const had = card.element.contains(focused);
    const [words, colour] = STATES[call.state] ?? [call.state, "tag-grey"];
    card.element.dataset.state = call.state;
    put(card.one("with"), partiesOf(call, this.desk));
    put(card.one("state"), words);
    card.one("state").className = `tag ${colour}`;
    card.one("muted").hidden = call.mute !== "On";
    put(card.one("facts"), this.#facts(call));
    for (const button of card.one("operations").querySelectorAll("[data-do]")) {
      const name = button.dataset.do;
      button.hidden = !call.capabilities.includes(name);
    }
    this.#showOthers(card, call);
    this.#showParties(card, call);
    card.ask.keep(call.capabilities);
    card.data.show(call);
    if (had && !isSeen(focused)) this.#focusAfter(card, focused);
  }

  #facts(call) {
    const device = this.desk.devices.get(idIn(call.deviceUri));
    const numbers = call.participants.filter((number) => this.desk.nameOf(number)).join(", ");
    const here = device && `on ${device.phoneNumber}`;
    return [numbers, TYPES[call.callType], here].filter(Boolean).join(" · ");
  }

  #focusAfter(card, gone) {
    const next = card.element.querySelector(`[data-do="${NEXT[gone.dataset.do]}"]`);
    (next && !next.hidden ? next : card.element).focus();
  }

  /** A button for each other call with which this one can be swapped, merged or completed. */
  #showOthers(card, call) {
    const wanted = new Map();
    for (const [operation, [words, member]] of Object.entries(WITH_ANOTHER)) {
      const fitting = this.#fitting(operation, call);
      for (const other of fitting) {
        const isPair = operation.startsWith("Complete") && fitting.length === 1;
        const text = isPair ? words : `${words} with ${partiesOf(other, this.desk)}`;
        wanted.set(`${operation} ${other.id}`, { text, operation, member, uri: other.uri });
      }
    }
    keyed(card.one("others"), card.others, wanted, ({ operation, member, uri }) => {
      const button = plainButton();
      button.dataset.do = operation;
      button.addEventListener("click", () =>
        this.#command(card, call.id, operation, { [member]: uri }),
      );
      return button;
    });
  }

  #fitting(operation, call) {
    if (!call.capabilities.includes(operation)) return [];
    return [...this.desk.calls.values()].filter((other) => {
      const isBeside = other.id !== call.id && other.deviceUri === call.deviceUri;
      if (!isBeside || !other.capabilities.includes(operation)) return false;
      if (operation === "SwapCalls") return other.state !== call.state;
      if (operation === "MergeWithOtherCall") return true;
      // Of a pair that completes, one is there to ask.
      return [call, other].some((one) => one.callType === "Consult");
    });
  }

  #showParties(card, call) {
    const operation = "RemoveParticipantFromConference";
    const wanted = new Map();
    if (call.capabilities.includes(operation)) {
      for (const number of call.participants) {
        wanted.set(number, { text: `Remove ${this.desk.label(number)}`, number });
      }
    }
    keyed(card.one("parties"), card.parties, wanted, ({ number }) => {
      const button = plainButton();
      button.dataset.do = operation;
      button.addEventListener("click", () =>
        this.#command(card, call.id, operation, { participant: number }),
      );
      return button;
    });
  }

  #tick() {
    for (const [id, { one }] of this.#cards) {
      const call = this.desk.calls.get(id);
      if (!call) continue;
      const isCounted = ["Established", "Held"].includes(call.state);
      const since = Math.floor((performance.now() - call.heardAt) / 1000);
      put(one("time"), isCounted ? clock(Number(call.duration) + since) : "");
    }
  }
}
