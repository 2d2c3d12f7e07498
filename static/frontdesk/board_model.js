// What the board knows: the picture that was read, and what was told since. It touches no page.

const TALKING = new Set(["Established", "Held"]);
const CALL_WORDS = {
  Established: "In a call",
  Held: "Call on hold",
  Ringing: "Ringing",
  Dialing: "Dialing",
};
const TONES = { Ready: "green", NotReady: "amber", Logout: "grey" };
const LOGGED_OUT = { key: "Logged out", tone: "grey" };

const milliseconds = (instant) => Date.parse(instant);
const keyed = (list, name) => new Map(list.map((one) => [one[name], one]));
const callKey = (call) => `${call.id} ${call.phoneNumber}`;

/** Give the words for a state: as the organisation calls it, or as it is. */
export function wordsOf(state) {
  if (!state || state.state === "Logout") return LOGGED_OUT.key;
  const words = state.displayName ?? state.reason ?? state.workMode ?? state.state;
  return words === "NotReady" ? "Not Ready" : words;
}

export const toneOf = (state) => TONES[state?.state] ?? "grey";

/** People, calls and queues by their ids. */
export class Model {
  people = new Map();
  /** Calls by id, each a map of its parties here: {person, call}. */
  calls = new Map();
  queues = [];
  #queuesAt = 0;
  /** Whose telephone has a number. */
  #names = new Map();

  /** Begin anew with a picture that was read. */
  load(picture) {
    this.people = new Map();
    this.calls = new Map();
    this.#names = new Map();
    this.queues = picture.queues;
    this.#queuesAt = milliseconds(picture.at);
    for (const one of picture.people) {
      const person = {
        ...one,
        devices: keyed(one.devices, "id"),
        channels: keyed(one.channels, "channel"),
        calls: new Map(one.calls.map((call) => [callKey(call), call])),
      };
      for (const call of one.calls) this.#addParty(person, call);
      for (const device of one.devices) this.#names.set(device.phoneNumber, one.name);
      this.people.set(one.id, person);
    }
  }

  /** Give who can be reached under a number here, or the number. */
  nameOf(number) {
    return this.#names.get(number) ?? number;
  }

  /**
   * Take in what was told. Gives what is different now: `people` and `calls` by their ids, whether
   * `queues` are, and whether somebody is `unknown`, so that the picture has to be read again.
   */
  hear({ userId, topic, data, at }) {
    if (topic === "/v2/board/queues") return { queues: this.#hearQueues(data, milliseconds(at)) };
    const person = this.people.get(userId);
    if (!person) return { unknown: true };
    if (topic === "/v2/me/devices") this.#hearDevices(person, data.devices, at);
    else if (topic === "/v2/me/channels") this.#hearChannels(person, data.channels, at);
    else if (topic === "/v2/me/calls") return this.#hearCall(person, data, at);
    return { people: [userId] };
  }

  #hearQueues({ queues }, at) {
    // Two processes may have looked at nearly the same time.
    if (at < this.#queuesAt) return false;
    this.queues = queues;
    this.#queuesAt = at;
    return true;
  }

  #hearDevices(person, devices, at) {
    for (const device of devices) {
      if (!device.userState) {
        // It is somebody else's, or nobody's, from now on.
        if (person.devices.delete(device.id)) this.#names.delete(device.phoneNumber);
        continue;
      }
      const before = person.devices.get(device.id);
      const isSame = before && sameState(before.userState, device.userState)
        && before.doNotDisturb === device.doNotDisturb;
      person.devices.set(device.id, { ...device, since: isSame ? before.since : at });
      this.#names.set(device.phoneNumber, person.name);
    }
  }

  #hearChannels(person, channels, at) {
    for (const channel of channels) {
      const before = person.channels.get(channel.channel);
      const isSame = before && sameState(before.userState, channel.userState)
        && before.dndState === channel.dndState;
      person.channels.set(channel.channel, { ...channel, since: isSame ? before.since : at });
    }
  }

  #hearCall(person, data, at) {
    const call = { ...data.call, phoneNumber: data.phoneNumber };
    const key = callKey(call);
    const before = person.calls.get(key);
    if (call.state === "Released") {
      person.calls.delete(key);
      const parties = this.calls.get(call.id);
      parties?.delete(`${person.id} ${key}`);
      if (parties?.size === 0) this.calls.delete(call.id);
    } else {
      const talks = TALKING.has(call.state);
      const isSame = before && TALKING.has(before.state) === talks;
      call.since = isSame ? before.since : begunAt(call, talks, at);
      person.calls.set(key, call);
      this.#addParty(person, call);
    }
    return { people: [person.id], calls: [call.id] };
  }

  #addParty(person, call) {
    if (!this.calls.has(call.id)) this.calls.set(call.id, new Map());
    this.calls.get(call.id).set(`${person.id} ${callKey(call)}`, { person, call });
  }
}

function sameState(one, other) {
  const members = ["state", "workMode", "reason"];
  return members.every((name) => (one?.[name] ?? "") === (other?.[name] ?? ""));
}

/** A call that goes on says for how many seconds. */
function begunAt(call, talks, at) {
  if (!talks) return at;
  return new Date(milliseconds(at) - Number(call.duration ?? 0) * 1000).toISOString();
}

/** Give how somebody stands in one word, since when, and whether nobody may disturb. */
export function standingOf(person) {
  const rows = [...person.devices.values(), ...person.channels.values()];
  const isUndisturbed = rows.some((one) => (one.doNotDisturb ?? one.dndState) === "On");
  const call = foremost([...person.calls.values()]);
  if (call) {
    const tone = call.state === "Ringing" || call.state === "Dialing" ? "teal" : "blue";
    return { key: CALL_WORDS[call.state] ?? call.state, tone, since: call.since, isUndisturbed };
  }
  const present = rows.filter((one) => one.userState && one.userState.state !== "Logout");
  // Who is ready on anything can be given work.
  const row = present.find((one) => one.userState.state === "Ready") ?? present[0];
  if (row) {
    const { userState, since } = row;
    return { key: wordsOf(userState), tone: toneOf(userState), since, isUndisturbed };
  }
  const since = rows.map((one) => one.since).sort().at(-1) ?? null;
  return { ...LOGGED_OUT, since, isUndisturbed };
}

function foremost(calls) {
  for (const state of ["Established", "Ringing", "Dialing", "Held"]) {
    const found = calls.find((one) => one.state === state);
    if (found) return found;
  }
  return calls[0];
}

/** Give who is in a call besides people of this house. */
export function othersIn(parties) {
  const here = new Set([...parties.values()].map(({ call }) => call.phoneNumber));
  const others = new Set();
  for (const { call } of parties.values()) {
    for (const number of call.participants) if (number && !here.has(number)) others.add(number);
  }
  return [...others];
}

/** Give all that a search looks at. */
export function textOf(person, standing) {
  const numbers = [...person.devices.values()].map((one) => one.phoneNumber);
  const calls = [...person.calls.values()].flatMap((one) => one.participants);
  return [person.name, standing.key, ...person.teams, ...person.skills, ...numbers, ...calls]
    .join("\n")
    .toLowerCase();
}
