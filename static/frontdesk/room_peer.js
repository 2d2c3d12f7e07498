// The connection to one other browser: "perfect negotiation" (W3C WebRTC 1.0, section 10.7).
//
// Whoever came later makes the offer, with one audio and one video line that stay for the whole
// call: tracks are put in and taken out of them, which needs no negotiation. What is negotiated
// anew is the way through the network, by either side, when it is lost.

const CHECKED_EVERY = 8000;
const PATIENCE = 4000;

export class Peer extends EventTarget {
  stream = new MediaStream();
  state = { isMuted: true, hasVideo: false, isScreen: false };
  #connection;
  #channel = null;
  #tracks = { audio: null, video: null };
  #isMakingOffer = false;
  #isIgnoringOffer = false;
  #isClosed = false;
  #work = Promise.resolve();
  #checks;
  #disconnected;

  constructor({ id, isPolite, makesOffer, iceServers, tracks, send }) {
    super();
    Object.assign(this, { id, isPolite, makesOffer, send });
    this.#tracks = tracks;
    this.#connection = new RTCPeerConnection({ iceServers, bundlePolicy: "max-bundle" });
    this.#listen();
    if (makesOffer) {
      this.#use(this.#connection.createDataChannel("talk"));
      for (const kind of ["audio", "video"]) {
        this.#connection.addTransceiver(tracks[kind] ?? kind, { direction: "sendrecv" });
      }
    }
    this.#checks = setInterval(() => this.#check(), CHECKED_EVERY);
  }

  get isConnected() {
    return this.#connection.connectionState === "connected";
  }

  /** Send these tracks from now on, or nothing where one is null. */
  setTracks(tracks) {
    this.#tracks = tracks;
    return this.#fill();
  }

  /** Say something over the direct connection; false when there is none yet. */
  say(message) {
    if (this.#channel?.readyState !== "open") return false;
    this.#channel.send(JSON.stringify(message));
    return true;
  }

  /** Take in what the other one has sent through the server, one after the other. */
  receive(signal) {
    this.#work = this.#work.then(() => this.#take(signal)).catch(() => {});
    return this.#work;
  }

  /** Look for another way through the network. */
  restart() {
    if (!this.#isClosed) this.#connection.restartIce();
  }

  close() {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#checks);
    clearTimeout(this.#disconnected);
    this.#connection.close();
  }

  #listen() {
    const connection = this.#connection;
    connection.addEventListener("negotiationneeded", () => this.#offer());
    connection.addEventListener("icecandidate", ({ candidate }) => {
      if (candidate) this.send({ candidate: candidate.toJSON() });
    });
    connection.addEventListener("datachannel", ({ channel }) => this.#use(channel));
    connection.addEventListener("track", ({ track }) => {
      this.stream.addTrack(track);
      this.#tell("track");
    });
    connection.addEventListener("connectionstatechange", () => {
      clearTimeout(this.#disconnected);
      const state = connection.connectionState;
      if (state === "failed") this.restart();
      // It often comes back by itself.
      if (state === "disconnected") this.#disconnected = setTimeout(() => this.restart(), PATIENCE);
      this.#tell("change");
    });
  }

  #check() {
    const state = this.#connection.connectionState;
    // Who waits for an offer cannot know what it would be about.
    if (state === "failed" || (state !== "connected" && this.makesOffer)) this.restart();
  }

  async #offer() {
    // The first offer is the later one's to make.
    if (!this.makesOffer && !this.#connection.remoteDescription) return;
    try {
      this.#isMakingOffer = true;
      await this.#connection.setLocalDescription();
      this.send({ description: this.#connection.localDescription.toJSON() });
    } catch {
      // Closed meanwhile, or an offer of the other one came first.
    } finally {
      this.#isMakingOffer = false;
    }
  }

  async #take({ description, candidate }) {
    const connection = this.#connection;
    if (candidate) {
      try {
        await connection.addIceCandidate(candidate);
      } catch (error) {
        if (!this.#isIgnoringOffer) throw error;
      }
      return;
    }
    if (!description) return;
    const isOffer = description.type === "offer";
    const isCollision = this.#isMakingOffer || connection.signalingState !== "stable";
    this.#isIgnoringOffer = isOffer && isCollision && !this.isPolite;
    if (this.#isIgnoringOffer) return;
    await connection.setRemoteDescription(description);
    if (!isOffer) return;
    await this.#fill();
    await connection.setLocalDescription();
    this.send({ description: connection.localDescription.toJSON() });
  }

  async #fill() {
    const lines = this.#connection.getTransceivers();
    for (const kind of ["audio", "video"]) {
      const line = lines.find((one) => one.receiver.track.kind === kind);
      if (!line || line.stopped) continue;
      if (line.direction !== "sendrecv") line.direction = "sendrecv";
      if (line.sender.track !== this.#tracks[kind]) {
        await line.sender.replaceTrack(this.#tracks[kind]);
      }
    }
  }

  #use(channel) {
    this.#channel = channel;
    channel.addEventListener("open", () => this.#tell("open"));
    channel.addEventListener("close", () => this.#tell("gone"));
    channel.addEventListener("message", ({ data }) => this.#read(data));
  }

  #read(data) {
    let message;
    try {
      message = JSON.parse(data);
    } catch {
      return;
    }
    if (message?.type === "bye") {
      this.#tell("gone");
    } else if (message?.type === "state") {
      const { isMuted, hasVideo, isScreen } = message;
      this.state = { isMuted: !!isMuted, hasVideo: !!hasVideo, isScreen: !!isScreen };
      this.#tell("change");
    } else if (message?.type === "text" && typeof message.text === "string") {
      this.dispatchEvent(new CustomEvent("text", { detail: message.text }));
    }
  }

  #tell(what) {
    if (!this.#isClosed) this.dispatchEvent(new Event(what));
  }
}
