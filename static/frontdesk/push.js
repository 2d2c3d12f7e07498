// What the server tells this page, over CometD. Each event reaches its handler once and in order,
// also after a connection was lost; where that cannot be had, the page is told to read anew.

import { AckExtension } from "../vendor/cometd/AckExtension.js";
import { CometD } from "../vendor/cometd/Client.js";

const LOOK_AT_TOKEN_EVERY = 30000;
const WAIT_AT_FIRST = 1000;
const WAIT_AT_MOST = 30000;

/** Thrown by `getToken` where trying again is of no use: nobody is signed in any more. */
export class SignedOut extends Error {
  constructor() {
    super("You are signed out. Sign in again to go on.");
  }
}

/**
 * Connect, and stay connected.
 *
 * `getToken({renew})` gives a promise of an access token, a new one when `renew` is true.
 * `changed({state, seamless})` hears how it stands: "connected" once all topics are subscribed,
 * when `seamless` is false whatever was read before may be old; "interrupted"; "signed-out".
 */
export function connect(getToken, changed = () => {}) {
  return new Push(getToken, changed);
}

class Push {
  #client = new CometD();
  #topics = new Map();
  #getToken;
  #changed;
  #state = "";
  #token = "";
  // The number of the last event that was heard; each person's events have one sequence.
  #last = null;
  #wait = WAIT_AT_FIRST;
  #isClosed = false;
  // From a handshake until all topics are subscribed.
  #isJoining = false;
  #timer;

  constructor(getToken, changed) {
    this.#getToken = getToken;
    this.#changed = changed;
    this.#client.unregisterTransport("websocket");
    this.#client.unregisterTransport("callback-polling");
    this.#client.registerExtension("ack", new AckExtension());
    this.#client.onListenerException = (problem) => reportError(problem);
    this.#client.addListener("/meta/handshake", (reply) => this.#shookHands(reply));
    this.#client.addListener("/meta/connect", (reply) => this.#polled(reply));
    this.#timer = setInterval(() => this.#keepToken(), LOOK_AT_TOKEN_EVERY);
    // Whoever calls subscribes in the same turn.
    queueMicrotask(() => this.#start());
  }

  /**
   * Have `handler(data, message)` called for each event of a topic from now on.
   *
   * `replays` is false for topics of which the server keeps nothing.
   */
  subscribe(topic, handler, { replays = true } = {}) {
    this.#topics.set(topic, { handler, replays });
    if (this.#state === "connected") this.#add(topic, false);
  }

  /** End it. */
  close() {
    this.#isClosed = true;
    clearInterval(this.#timer);
    this.#client.disconnect();
  }

  async #start(renew = false) {
    try {
      await this.#useToken(renew);
    } catch (problem) {
      if (problem instanceof SignedOut) this.#tell("signed-out");
      else this.#startLater();
      return;
    }
    if (!this.#isClosed && this.#client.isDisconnected()) this.#client.handshake();
  }

  #startLater() {
    if (this.#isClosed) return;
    this.#tell("interrupted");
    setTimeout(() => this.#start(true), this.#wait);
    this.#wait = Math.min(this.#wait * 2, WAIT_AT_MOST);
  }

  /** Without an answer the client tries again by itself; after some refusals it does not. */
  #startIfEnded() {
    // It ends after it has told us.
    setTimeout(() => this.#client.isDisconnected() && this.#startLater(), 0);
  }

  async #useToken(renew) {
    const token = await this.#getToken({ renew });
    if (token === this.#token) return;
    this.#token = token;
    this.#client.configure({
      url: `${location.origin}/api/v2/notifications`,
      requestHeaders: { Authorization: `Bearer ${token}` },
      logLevel: "none",
      // It would be made of a blob, which our content security policy does not let in.
      useWorkerScheduler: false,
      maxBackoff: WAIT_AT_MOST,
    });
  }

  async #keepToken() {
    try {
      await this.#useToken(false);
    } catch {
      // The next poll is refused then, and the handshake after it says why.
    }
  }

  async #shookHands(reply) {
    if (!reply.successful) {
      this.#tell("interrupted");
      this.#startIfEnded();
      return;
    }
    this.#isJoining = true;
    const isKept = this.#last !== null;
    const topics = [...this.#topics];
    const added = [];
    this.#client.batch(() => {
      for (const [topic, { replays }] of topics) added.push(this.#add(topic, isKept && replays));
    });
    const isSeamless = (await Promise.all(added)).every(Boolean);
    this.#isJoining = false;
    this.#wait = WAIT_AT_FIRST;
    this.#tell("connected", isSeamless && isKept && topics.every(([, { replays }]) => replays));
  }

  /** Subscribe; tell whether nothing was missed. */
  #add(topic, replay) {
    return new Promise((resolve) => {
      const props = replay ? { ext: { replay: { [topic]: this.#last } } } : {};
      const hear = (message) => this.#hear(topic, message);
      const subscription = this.#client.subscribe(topic, hear, props, (reply) => {
        if (reply.successful) return resolve(replay);
        if (!reply.error?.startsWith("410:")) return resolve(false);
        // What was missed is kept no longer: go on from now.
        this.#client.removeListener(subscription);
        this.#add(topic, false).then(() => resolve(false));
      });
    });
  }

  #hear(topic, message) {
    const entry = this.#topics.get(topic);
    const number = entry.replays ? message.ext?.replayId : undefined;
    if (number !== undefined) {
      if (this.#last !== null && number <= this.#last) return;
      this.#last = number;
    }
    entry.handler(message.data, message);
  }

  #polled(reply) {
    if (this.#isClosed) return;
    if (!reply.successful) {
      this.#tell("interrupted");
      this.#startIfEnded();
    } else if (this.#state === "interrupted" && !this.#isJoining) {
      // The session was still there, and what was not acknowledged came again.
      this.#tell("connected", true);
    }
  }

  #tell(state, seamless = false) {
    if (state === this.#state && state !== "connected") return;
    this.#state = state;
    this.#changed({ state, seamless });
  }
}
