// Camera, microphone and screen: what is sent, and why something is not.

const CONSTRAINTS = {
  audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
  video: { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 24, max: 30 } },
};
const PROBLEMS = {
  NotAllowedError: "refused",
  SecurityError: "refused",
  NotFoundError: "absent",
  OverconstrainedError: "absent",
  NotReadableError: "busy",
  AbortError: "busy",
};

export class Media extends EventTarget {
  // Tracks, or null. The audio track stays while it is muted, so that speaking starts at once;
  // the camera's is given back, so that its light goes out.
  audio = null;
  camera = null;
  screen = null;
  isMuted = false;
  chosen = { audio: "", video: "" };

  static get canShare() {
    return Boolean(navigator.mediaDevices?.getDisplayMedia);
  }

  get video() {
    return this.screen ?? this.camera;
  }

  /** Open both; where that fails, whatever there is. Gives the problem with each, or "". */
  async open() {
    const both = await this.#ask({ audio: true, video: true });
    if (both.problem) {
      const audio = await this.#ask({ audio: true });
      const video = await this.#ask({ video: true });
      return { audio: audio.problem, video: video.problem };
    }
    return { audio: "", video: "" };
  }

  /** Mute or speak; gives the problem with the microphone, or "". */
  async setMuted(isMuted) {
    this.isMuted = isMuted;
    if (!isMuted && !this.audio) {
      const { problem } = await this.#ask({ audio: true });
      if (problem) this.isMuted = true;
      return problem;
    }
    if (this.audio) this.audio.enabled = !isMuted;
    this.#changed();
    return "";
  }

  /** Switch the camera on or off; gives the problem with it, or "". */
  async setCamera(isOn) {
    if (isOn) return (await this.#ask({ video: true })).problem;
    this.#drop("camera");
    this.#changed();
    return "";
  }

  /** Use another device of a kind; gives the problem with it, or "". */
  async choose(kind, id) {
    this.chosen[kind] = id;
    const isUsed = kind === "audio" ? this.audio : this.camera;
    return isUsed ? (await this.#ask({ [kind]: true })).problem : "";
  }

  /** Share a screen; false when none was chosen. */
  async share() {
    try {
      const stream = await navigator.mediaDevices.getDisplayMedia({ video: true, audio: false });
      this.#take("screen", stream.getVideoTracks()[0]);
      this.#changed();
      return true;
    } catch {
      return false;
    }
  }

  stopSharing() {
    this.#drop("screen");
    this.#changed();
  }

  /** Give everything back. */
  close() {
    for (const name of ["audio", "camera", "screen"]) this.#drop(name);
    this.#changed();
  }

  /** Give the devices to choose from, by kind; their names are known once one is allowed. */
  async devices() {
    const all = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
    const of = (kind) => all.filter((one) => one.kind === kind && one.deviceId);
    return { audio: of("audioinput"), video: of("videoinput"), sound: of("audiooutput") };
  }

  async #ask(kinds) {
    // Browsers give no devices to pages that came without encryption.
    if (!navigator.mediaDevices) return { problem: "insecure" };
    const wanted = {};
    for (const kind of Object.keys(kinds)) {
      const id = this.chosen[kind];
      wanted[kind] = { ...CONSTRAINTS[kind], ...(id ? { deviceId: { exact: id } } : {}) };
      // Some devices can be opened once only.
      if (kind === "video") this.#drop("camera");
    }
    try {
      const stream = await navigator.mediaDevices.getUserMedia(wanted);
      const [audio] = stream.getAudioTracks();
      const [video] = stream.getVideoTracks();
      if (audio) this.#take("audio", audio);
      if (audio) audio.enabled = !this.isMuted;
      if (video) this.#take("camera", video);
      return { problem: "" };
    } catch (error) {
      return { problem: PROBLEMS[error.name] ?? "busy" };
    } finally {
      this.#changed();
    }
  }

  #take(name, track) {
    this.#drop(name);
    this[name] = track;
    // Unplugged, taken away, or stopped by the browser's own button.
    track.addEventListener("ended", () => {
      if (this[name] !== track) return;
      this[name] = null;
      this.#changed();
    });
  }

  #drop(name) {
    this[name]?.stop();
    this[name] = null;
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

/** Fill the lists of devices, and use what is chosen in them. */
export function offerDevices(root, media, { said, sounds }) {
  const lists = [...root.querySelectorAll("select[data-device]")];
  const canChooseSound = "setSinkId" in HTMLMediaElement.prototype;

  async function fill() {
    const devices = await media.devices();
    for (const list of lists) {
      const found = devices[list.dataset.device];
      const chosen = list.value;
      list.replaceChildren(
        ...found.map((one, index) => {
          const name = one.label || `${list.dataset.name} ${index + 1}`;
          return new Option(name, one.deviceId, false, one.deviceId === chosen);
        }),
      );
      const isOffered = list.dataset.device !== "sound" || canChooseSound;
      list.closest("[data-field]").hidden = !isOffered || found.length === 0;
    }
  }

  for (const list of lists) {
    list.addEventListener("change", async () => {
      if (list.dataset.device === "sound") {
        for (const element of sounds()) element.setSinkId(list.value).catch(() => {});
      } else {
        said(await media.choose(list.dataset.device, list.value), list.dataset.device);
      }
    });
  }
  navigator.mediaDevices?.addEventListener?.("devicechange", fill);
  media.addEventListener("change", fill);
  return fill();
}
