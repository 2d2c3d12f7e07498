// What goes through the server: who is in the room, and what browsers must tell each other before
// they can speak directly. Short questions, quick until everybody is connected, then slower.

const QUICK = 1000;
const SLOW = 4000;
const QUICK_AFTER_SENDING = 10000;
const SIGNALS_AT_ONCE = 16;
const GATHERED_FOR = 50;
const AGAIN_AFTER = 2000;

class Refused extends Error {
  constructor(code, wait) {
    super(code);
    this.code = code;
    this.wait = wait;
  }
}

/** Give a name for this browser that nobody else has. */
function newPeer() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const pause = (time) => new Promise((resolve) => setTimeout(resolve, time));

export class Signalling {
  peer = newPeer();
  room = "";
  #got = 0;
  #outgoing = [];
  #isSending = false;
  #isRunning = false;
  #isOver = false;
  #quickUntil = 0;
  #wake = () => {};

  /**
   * `heard({people, signals})`; `mayKeepPeer()` and `rejoined(answer)` after the server had
   * forgotten us; `ended(code)` when it lets us in no more; `reached(isReached)`; `isSettled()`.
   */
  constructor(urls, listener) {
    this.urls = urls;
    this.listener = listener;
  }

  /** Go in. Throws an error with a `code` when that is refused. */
  async join() {
    const answer = await this.#post("join", { peer: this.peer });
    this.room = answer.room;
    this.#got = 0;
    return answer;
  }

  /** Keep asking until it ends. */
  async run() {
    this.#isRunning = !this.#isOver;
    while (this.#isRunning) {
      await this.#ask();
      await this.#rest();
    }
  }

  /** Tell another browser something; the order is kept, and what fails is tried again. */
  send(to, data) {
    this.#outgoing.push({ to, data });
    this.hurry();
    this.#flush();
  }

  /** Ask quickly for a while. */
  hurry() {
    this.#quickUntil = Date.now() + QUICK_AFTER_SENDING;
    this.#wake();
  }

  /** Go out; for good, or because the page is left: that may be a reload. */
  leave(forGood) {
    if (!this.room || this.#isOver) return;
    this.stop();
    const body = { peer: this.peer, room: this.room, forGood };
    if (forGood) {
      // Where this is lost, the server notices by itself.
      this.#post("leave", body).catch(() => {});
    } else {
      const blob = new Blob([JSON.stringify(body)], { type: "application/json" });
      navigator.sendBeacon(this.urls.leave, blob);
    }
  }

  stop() {
    this.#isRunning = false;
    this.#isOver = true;
    this.#wake();
  }

  async #ask() {
    const { peer, room } = this;
    try {
      const answer = await this.#post("poll", { peer, room, got: this.#got });
      this.listener.reached(true);
      const signals = answer.signals.filter((one) => one.number > this.#got);
      if (signals.length) this.#got = signals.at(-1).number;
      if (this.#isRunning) this.listener.heard({ people: answer.people, signals });
    } catch (error) {
      await this.#recover(error);
    }
  }

  async #recover(error) {
    if (!this.#isRunning) return;
    if (error.code === "NOT_IN_ROOM") {
      // Away for too long, or the server has lost its memory: what is connected stays so.
      if (!this.listener.mayKeepPeer()) this.peer = newPeer();
      this.#outgoing = [];
      try {
        this.listener.rejoined(await this.join());
      } catch (again) {
        await this.#recover(again.code === "NOT_IN_ROOM" ? new Refused("", 0) : again);
      }
    } else if (error.code) {
      this.stop();
      this.listener.ended(error.code);
    } else {
      this.listener.reached(false);
      await pause(error.wait || AGAIN_AFTER);
    }
  }

  async #rest() {
    const isQuick = Date.now() < this.#quickUntil || !this.listener.isSettled();
    const started = Date.now();
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, isQuick ? QUICK : SLOW);
      this.#wake = () => {
        clearTimeout(timer);
        // Never faster than that, however much there is to send.
        setTimeout(resolve, Math.max(0, QUICK - (Date.now() - started)));
      };
    });
  }

  async #flush() {
    if (this.#isSending) return;
    this.#isSending = true;
    // Candidates come in swarms.
    await pause(GATHERED_FOR);
    while (this.#outgoing.length && !this.#isOver) {
      const signals = this.#outgoing.slice(0, SIGNALS_AT_ONCE);
      const { peer, room } = this;
      try {
        await this.#post("send", { peer, room, signals });
        this.#outgoing = this.#outgoing.filter((one) => !signals.includes(one));
      } catch (error) {
        // Who is out of the room hears of it by asking; the rest of what was to be sent is void.
        if (error.code) this.#outgoing = [];
        else await pause(error.wait || AGAIN_AFTER);
      }
    }
    this.#isSending = false;
  }

  /** Throws Refused with a code for what is final, and without one for what may pass. */
  async #post(name, body) {
    let response;
    try {
      response = await fetch(this.urls[name], {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(body),
        // The address is the proof; no cookie has anything to say here.
        credentials: "omit",
        cache: "no-store",
        redirect: "error",
        keepalive: name === "leave",
      });
    } catch {
      throw new Refused("", 0);
    }
    if (response.ok) return response.status === 204 ? null : response.json();
    const { code = "" } = await response.json().catch(() => ({}));
    const isPassing = response.status === 429 || response.status >= 500;
    const wait = 1000 * Number(response.headers.get("Retry-After") || 0);
    throw new Refused(isPassing ? "" : code || "UNKNOWN", wait);
  }
}
