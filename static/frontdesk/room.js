// The room: two to four people see, hear and write to each other, each browser with each other one.
// Every text is in the template, so that it is translated there.

import { Media, offerDevices } from "./room_media.js";
import { Peer } from "./room_peer.js";
import { Signalling } from "./room_signals.js";

const root = document.getElementById("room");
const words = document.getElementById("room-words").dataset;
const one = (selector) => root.querySelector(selector);
const button = (name) => one(`[data-do="${name}"]`);

const media = new Media();
const ownTile = one("[data-me]");
/** Other browsers by their names, each {peer, tile, name}. */
const others = new Map();
/** Names of browsers that have gone: none comes back under the same. */
const gone = new Set();
let signalling = null;
let iceServers = [];
let isLost = false;

// --- Words ------------------------------------------------------------------------------------

const fill = (text, name) => text.replace("{name}", name);
const nameOf = (person) => person.name || words.guest;

/** Say something to everybody, and to those who cannot see it. */
function announce(text) {
  one("[data-news]").textContent = text;
}

/** Show what is in the way, or nothing. */
function complain(text) {
  const place = one("[data-said]");
  place.textContent = text;
  place.hidden = !text;
}

/** Show what is wrong with a device; "" when nothing is. */
function complainOfDevice(problem, kind) {
  const names = { audio: "Microphone", video: "Camera" };
  complain(problem ? words[`${problem}${names[kind]}`] ?? words[problem] : "");
}

// --- What is seen -----------------------------------------------------------------------------

function showStage(stage) {
  root.dataset.stage = stage;
  // Where the button that was pressed is gone, its place is taken by the next one.
  const target = { call: "mute", left: "again" }[stage];
  if (target) button(target).focus({ preventScroll: true });
}

function press(name, isPressed) {
  button(name).setAttribute("aria-pressed", String(isPressed));
}

function showSelf() {
  const { audio, video, screen, camera, isMuted } = media;
  const picture = one("[data-me] video");
  const track = picture.srcObject?.getVideoTracks()[0] ?? null;
  if (track !== video) picture.srcObject = video ? new MediaStream([video]) : null;
  const isSilent = isMuted || !audio;
  showState(ownTile, { isMuted: isSilent, hasVideo: Boolean(video), isScreen: Boolean(screen) });
  press("mute", isSilent);
  press("camera", !camera);
  press("share", Boolean(screen));
  return { isMuted: isSilent, hasVideo: Boolean(video), isScreen: Boolean(screen) };
}

function showState(tile, { isMuted, hasVideo, isScreen }) {
  tile.classList.toggle("has-picture", hasVideo);
  tile.classList.toggle("is-screen", isScreen);
  tile.querySelector("[data-muted]").hidden = !isMuted;
  tile.querySelector("[data-no-picture]").hidden = hasVideo;
}

function makeTile(name, stream) {
  const tile = one("[data-tile]").content.firstElementChild.cloneNode(true);
  tile.querySelector("[data-name]").textContent = name;
  const video = tile.querySelector("video");
  video.setAttribute("aria-label", fill(words.picture, name));
  video.srcObject = stream;
  showState(tile, { isMuted: true, hasVideo: false, isScreen: false });
  one("[data-people]").append(tile);
  return tile;
}

function showAlone() {
  one("[data-alone]").hidden = others.size > 0;
}

// --- The others -------------------------------------------------------------------------------

function tracks() {
  return { audio: media.audio, video: media.video };
}

function tellState(peer) {
  peer.say({ type: "state", ...showSelf() });
}

function meet(person, { makesOffer }) {
  const id = person.peer;
  const name = nameOf(person);
  const peer = new Peer({
    id,
    isPolite: signalling.peer < id,
    makesOffer,
    iceServers,
    tracks: tracks(),
    send: (signal) => signalling?.send(id, signal),
  });
  const tile = makeTile(name, peer.stream);
  others.set(id, { peer, tile, name });
  peer.addEventListener("open", () => tellState(peer));
  peer.addEventListener("track", () => play(tile.querySelector("video")));
  peer.addEventListener("change", () => {
    showState(tile, peer.state);
    tile.classList.toggle("is-away", !peer.isConnected);
    tile.querySelector("[data-connecting]").hidden = peer.isConnected;
  });
  peer.addEventListener("text", ({ detail }) => addMessage(name, detail));
  peer.addEventListener("gone", () => partFrom(id));
  announce(fill(words.came, name));
  showAlone();
}

function partFrom(id) {
  const other = others.get(id);
  if (!other) return;
  others.delete(id);
  gone.add(id);
  other.peer.close();
  other.tile.remove();
  announce(fill(words.went, other.name));
  showAlone();
}

function play(video) {
  // Without a click before it, sound may be held back: the next click lets it out.
  video.play().catch(() => {
    document.addEventListener("click", () => video.play().catch(() => {}), { once: true });
  });
}

media.addEventListener("change", () => {
  const state = showSelf();
  for (const { peer } of others.values()) {
    peer.setTracks(tracks());
    peer.say({ type: "state", ...state });
  }
});

// --- Going in and out -------------------------------------------------------------------------

const listener = {
  heard({ people, signals }) {
    const present = new Set(people.map((person) => person.peer));
    for (const person of people) {
      const isNew = person.peer !== signalling.peer && !others.has(person.peer);
      if (isNew && !gone.has(person.peer)) meet(person, { makesOffer: false });
    }
    for (const [id, { peer }] of others) {
      // Whoever is still seen has not left: the server may have lost its memory.
      if (!present.has(id) && !peer.isConnected) partFrom(id);
    }
    for (const signal of signals) others.get(signal.from)?.peer.receive(signal.data);
  },
  mayKeepPeer() {
    const all = [...others.values()];
    const isWhole = all.every(({ peer }) => peer.isConnected);
    if (!isWhole) for (const id of [...others.keys()]) partFrom(id);
    return isWhole;
  },
  rejoined(answer) {
    iceServers = answer.iceServers;
    meetAll(answer.people);
  },
  reached(isReached) {
    if (isLost === !isReached) return;
    isLost = !isReached;
    complain(isLost ? words.lost : "");
  },
  ended(code) {
    leave({ isAsked: false });
    complain(wordsFor(code));
  },
  isSettled: () => others.size > 0 && [...others.values()].every(({ peer }) => peer.isConnected),
};

function meetAll(people) {
  for (const person of people) {
    const isNew = person.peer !== signalling.peer && !others.has(person.peer);
    if (isNew && !gone.has(person.peer)) meet(person, { makesOffer: true });
  }
  showAlone();
}

function wordsFor(code) {
  const known = { ROOM_FULL: "full", ROOM_NOT_OPEN: "closed", SEAT_TAKEN: "elsewhere" };
  return words[known[code] ?? "failed"];
}

async function join() {
  button("join").disabled = button("again").disabled = true;
  complain("");
  const { join, poll, send, leave: leaving } = root.dataset;
  signalling = new Signalling({ join, poll, send, leave: leaving }, listener);
  try {
    const answer = await signalling.join();
    iceServers = answer.iceServers;
    showStage("call");
    announce(words.joined);
    meetAll(answer.people);
    signalling.run();
  } catch (error) {
    signalling = null;
    complain(error.code ? wordsFor(error.code) : words.unreached);
  } finally {
    button("join").disabled = button("again").disabled = false;
  }
}

function leave({ isAsked }) {
  for (const { peer } of others.values()) peer.say({ type: "bye" });
  if (isAsked) signalling?.leave(true);
  for (const id of [...others.keys()]) {
    others.get(id).peer.close();
    others.get(id).tile.remove();
    others.delete(id);
  }
  signalling = null;
  media.close();
  complain("");
  showStage("left");
  announce(words.left);
}

// --- Writing ----------------------------------------------------------------------------------

function addMessage(name, text, { isMine = false } = {}) {
  const line = document.createElement("p");
  const who = document.createElement("strong");
  who.textContent = `${name}: `;
  line.append(who, text);
  line.classList.toggle("is-mine", isMine);
  const log = one("[data-log]");
  log.append(line);
  log.scrollTop = log.scrollHeight;
  if (!isMine && one("[data-chat]").hidden) showChat(true, { takesFocus: false });
}

function showChat(isShown, { takesFocus = true } = {}) {
  one("[data-chat]").hidden = !isShown;
  press("chat", isShown);
  if (isShown && takesFocus) one("[data-text]").focus();
}

one("[data-write]").addEventListener("submit", (event) => {
  event.preventDefault();
  const field = one("[data-text]");
  const text = field.value.trim();
  if (!text) return;
  const heard = [...others.values()].filter(({ peer }) => peer.say({ type: "text", text }));
  if (heard.length === 0) {
    complain(words.nobody);
    return;
  }
  complain("");
  addMessage(words.you, text, { isMine: true });
  field.value = "";
});

// --- Buttons ----------------------------------------------------------------------------------

const isPressed = (name) => button(name).getAttribute("aria-pressed") === "true";
const actions = {
  join,
  async again() {
    await prepare();
    await join();
  },
  leave: () => leave({ isAsked: true }),
  mute: async () => complainOfDevice(await media.setMuted(!isPressed("mute")), "audio"),
  camera: async () => complainOfDevice(await media.setCamera(isPressed("camera")), "video"),
  share: async () => (media.screen ? media.stopSharing() : await media.share()),
  chat: () => showChat(!isPressed("chat")),
};
for (const [name, act] of Object.entries(actions)) button(name).addEventListener("click", act);

window.addEventListener("pagehide", () => {
  for (const { peer } of others.values()) peer.say({ type: "bye" });
  signalling?.leave(false);
});
window.addEventListener("pageshow", (event) => {
  // Out of the browser's memory: nothing of what was connected is.
  if (event.persisted) location.reload();
});
window.addEventListener("online", () => {
  signalling?.hurry();
  for (const { peer } of others.values()) if (!peer.isConnected) peer.restart();
});

// --- Before going in --------------------------------------------------------------------------

/** Open camera and microphone, and say in words what cannot be: one can go in without. */
async function prepare() {
  const { audio, video } = await media.open();
  if (audio && audio === video) complain(words[audio]);
  else complainOfDevice(audio || video, audio ? "audio" : "video");
}

button("share").hidden = !Media.canShare;
offerDevices(root, media, {
  said: complainOfDevice,
  sounds: () => root.querySelectorAll("[data-people] video"),
});
showSelf();
showStage("lobby");
prepare();
