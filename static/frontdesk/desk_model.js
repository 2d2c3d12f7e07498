// What the desk knows: read once, then kept by what the server tells. What is read while things
// happen may be older than they are, so that they are put on top of it once more.

const READ_AGAIN_AFTER = 80;

/** Give the last part of an address, which is the id of what it names. */
export const idIn = (uri) => uri.split("/").filter(Boolean).at(-1);

export class Desk extends EventTarget {
  me = null;
  states = [];
  features = new Set();
  devices = new Map();
  channels = new Map();
  calls = new Map();
  contacts = [];
  #api;
  #names = new Map();
  #lookedUp = new Set();
  // What came while something was being read, once for each reading.
  #readings = new Set();
  #timers = {};

  constructor(api) {
    super();
    this.#api = api;
  }

  /** Read everything anew. Throws Refused. */
  async load() {
    await this.#reading(async () => {
      const { user, settings, features } = await this.#api.get("/me?subresources=*");
      this.features = new Set(features.map((one) => one.id));
      const [calls, { contacts }] = await Promise.all([this.#calls(), this.#api.get("/contacts")]);
      this.me = user;
      this.states = settings["agent-states"].settings;
      this.devices = new Map(user.devices.map((one) => [one.id, one]));
      this.channels = new Map(user.channels.map((one) => [one.channel, one]));
      this.calls = calls;
      this.#keepContacts(contacts);
    });
    this.#changed("everything");
  }

  get hasVoice() {
    return this.features.has("api-voice");
  }

  get activeDevices() {
    return [...this.devices.values()].filter((one) => one.deviceState === "Active");
  }

  get isAtWork() {
    const channels = [...this.channels.values()];
    const isOpen = (one) => one.userState.state !== "Logout";
    return this.activeDevices.length > 0 || channels.some(isOpen);
  }

  /** Give the state in which everything is that is open; none where devices and channels differ. */
  get state() {
    const channels = [...this.channels.values()].filter((one) => one.userState.state !== "Logout");
    const all = [...this.activeDevices, ...channels].map((one) => one.userState);
    const isSame = (one) => one.displayName === all[0].displayName && one.state === all[0].state;
    return all.length > 0 && all.every(isSame) ? all[0] : null;
  }

  /** Give who has a number, as far as that is known. */
  nameOf(number) {
    return this.#names.get(number) ?? "";
  }

  /** Give name and number together. */
  label(number) {
    const name = this.nameOf(number);
    return name ? `${name}, ${number}` : number;
  }

  /** Read who can be called: colleagues come and go with their telephones. */
  async readContacts() {
    this.#keepContacts((await this.#api.get("/contacts")).contacts);
    this.#changed("everything");
  }

  /** Give the number that is meant by what was typed: a name stands for it, where one fits only. */
  async numberMeant(text) {
    const typed = text.trim();
    if (!/[^\d\s()+./*#-]/.test(typed)) return typed;
    const same = (one) => one.name.toLowerCase() === typed.toLowerCase();
    if (!this.contacts.some(same)) await this.readContacts();
    const found = this.contacts.filter(same);
    return found.length === 1 ? found[0].phoneNumber : typed;
  }

  #keepContacts(contacts) {
    this.contacts = contacts.filter((one) => one.phoneNumber);
    this.#names = new Map(this.contacts.map((one) => [one.phoneNumber, one.name]));
  }

  /** Read the contacts for a number whose name is not known, once for each. */
  #lookUp(numbers) {
    const unknown = numbers.filter((one) => !this.#names.has(one) && !this.#lookedUp.has(one));
    for (const one of unknown) this.#lookedUp.add(one);
    if (unknown.length > 0) this.#soon("contacts", () => this.readContacts());
  }

  /** Read the caller alone; by that the server sees, too, that the desk is in use. */
  async readMe() {
    this.me = (await this.#api.get("/me")).user;
    this.#changed("presence");
  }

  hearDevices({ devices }) {
    this.#apply(() => {
      for (const one of devices) this.devices.set(one.id, one);
    });
    this.#changed("presence");
    // With the end of a session a device may be somebody else's again.
    if (devices.some((one) => one.deviceState === "Inactive")) {
      this.#soon("devices", () => this.#readDevices());
    }
    this.#soon("me", () => this.readMe());
  }

  hearChannels({ channels }) {
    this.#apply(() => {
      for (const one of channels) this.channels.set(one.channel, one);
    });
    this.#changed("presence");
    this.#soon("me", () => this.readMe());
  }

  hearCall({ call, notificationType, errorMessage }) {
    const before = this.calls.get(call.id);
    this.#apply(() => {
      if (call.state === "Released") this.calls.delete(call.id);
      else this.calls.set(call.id, heard(call));
    });
    const detail = { call, before, why: notificationType, error: errorMessage };
    this.dispatchEvent(new CustomEvent("call", { detail }));
    this.#changed("calls");
    this.#lookUp(call.participants);
    // What other calls offer can be different now, which nobody is told of.
    const others = this.calls.size - this.calls.has(call.id);
    if (others > 0) this.#soon("calls", () => this.#readCalls());
  }

  #apply(happened) {
    happened();
    for (const reading of this.#readings) reading.push(happened);
  }

  /** Read, and put what happened meanwhile on top. */
  async #reading(read) {
    const happened = [];
    this.#readings.add(happened);
    try {
      await read();
    } finally {
      this.#readings.delete(happened);
    }
    for (const one of happened) one();
  }

  #soon(name, read) {
    clearTimeout(this.#timers[name]);
    const again = () =>
      read().catch(() => {
        // It is read with the next event, or when the connection is there again.
      });
    this.#timers[name] = setTimeout(again, READ_AGAIN_AFTER);
  }

  async #readCalls() {
    await this.#reading(async () => {
      this.calls = await this.#calls();
    });
    this.#changed("calls");
  }

  async #readDevices() {
    await this.#reading(async () => {
      const { devices } = await this.#api.get("/me/devices");
      this.devices = new Map(devices.map((one) => [one.id, one]));
    });
    this.#changed("presence");
  }

  async #calls() {
    if (!this.hasVoice) return new Map();
    const { calls } = await this.#api.get("/me/calls?fields=*");
    // Administrators are given those of everybody, and can do nothing with them.
    const mine = calls.filter((one) => one.capabilities.length > 0);
    return new Map(mine.map((one) => [one.id, heard(one)]));
  }

  #changed(what) {
    this.dispatchEvent(new CustomEvent("changed", { detail: what }));
  }
}

/** Note when it was said how long a call lasts, so that it can be counted on. */
const heard = (call) => ({ ...call, heardAt: performance.now() });
