// The softphone: reads the desk, hears what happens, and carries out what is asked.

import { Api, Refused } from "./desk_api.js";
import { CallList, partiesOf, stateOf } from "./desk_calls.js";
import { Dial } from "./desk_dial.js";
import { shortcuts } from "./desk_keys.js";
import { Desk } from "./desk_model.js";
import { Presence } from "./desk_presence.js";
import { tokensFrom } from "./desk_token.js";
import { Watch } from "./desk_watch.js";
import { connect } from "./push.js";

// The server ends the work of desks that it has not heard of for half an hour.
const SEEN_EVERY = 5 * 60 * 1000;
const READ_AGAIN_AFTER = 5000;
const TITLE = document.title;

const root = document.getElementById("desk");
const one = (name) => root.querySelector(`[data-${name}]`);
const token = tokensFrom(root.dataset.tokenUrl, root.dataset.csrf);
const api = new Api(token);
const desk = new Desk(api);

// --- Words ------------------------------------------------------------------------------------

/** Say something to those who do not see it. */
function announce(text) {
  const line = document.createElement("p");
  line.textContent = text;
  const place = one("said");
  place.append(line);
  while (place.children.length > 5) place.firstElementChild.remove();
}

/** Show what was refused, or nothing. */
function refuse(text) {
  const place = one("refused");
  place.textContent = text;
  place.hidden = !text;
}

/** Carry a command out; tell whether it was taken, and show in words why not. */
async function run(command) {
  // What fails afterwards is told, and that can come before the answer.
  refuse("");
  try {
    await command();
    return true;
  } catch (problem) {
    if (!(problem instanceof Refused)) reportError(problem);
    refuse(problem instanceof Refused ? problem.message : "That did not work.");
    return false;
  }
}

function sayCall({ detail: { call, before, why, error } }) {
  const who = partiesOf(call, desk);
  if (error) {
    refuse(`${who}: ${error}`);
  } else if (call.state === "Released") {
    announce(`The call with ${before ? partiesOf(before, desk) : who} has ended.`);
  } else if (why === "ParticipantsUpdated") {
    announce(`In the call now: ${who}.`);
  } else if (why === "AttachedDataChanged") {
    announce(`The data of the call with ${who} has changed.`);
  } else if (why === "DtmfSent") {
    announce("The tones were sent.");
  } else if (before?.state === call.state) {
    if (before.mute !== call.mute) announce(call.mute === "On" ? "Muted." : "No longer muted.");
  } else if (call.state === "Ringing") {
    announce(`A call from ${who}.${one("keys").checked ? " Press A to answer." : ""}`);
  } else {
    announce(`${stateOf(call)}: ${who}.`);
  }
}

function showTitle() {
  const ringing = [...desk.calls.values()].find((call) => call.state === "Ringing");
  document.title = ringing ? `Call from ${partiesOf(ringing, desk)} · ${TITLE}` : TITLE;
}

// --- Parts ------------------------------------------------------------------------------------

const calls = new CallList(one("calls-panel"), desk, run, api);
const dial = new Dial(one("dial-panel"), desk, run, api);
const presence = new Presence(one("presence"), desk, run, api);
const watch = one("watch") ? new Watch(one("watch"), desk, run, api) : null;

desk.addEventListener("call", sayCall);
desk.addEventListener("changed", ({ detail }) => {
  if (!desk.me) return;
  root.dataset.state = "ready";
  for (const panel of root.querySelectorAll("[data-voice]")) panel.hidden = !desk.hasVoice;
  if (detail !== "presence") calls.render();
  if (detail !== "calls") {
    presence.render();
    dial.render();
  }
  showTitle();
});

shortcuts(
  {
    a: () => calls.press("Answer"),
    x: () => calls.press("Hangup"),
    h: () => calls.press("Hold", "Retrieve"),
    m: () => calls.press("MuteCall", "UnmuteCall"),
    t: () => calls.press("SingleStepTransfer"),
    c: () => calls.press("SingleStepConference"),
    i: () => calls.press("InitiateTransfer"),
    k: () => calls.press("SendDtmf"),
    d: () => dial.input.focus(),
    l: () => (calls.list.querySelector("[data-call]") ?? calls.title).focus(),
    s: () => one("states").querySelector("button")?.focus(),
    r: () => presence.setState("Ready"),
    n: () => presence.setState("NotReady"),
    q: () => presence.toggleDisturb(),
  },
  one("keys"),
);

// --- Connection -------------------------------------------------------------------------------

const CONNECTION = {
  connected: ["Connected", "tag-green"],
  interrupted: ["Interrupted, trying again", "tag-amber"],
  "signed-out": ["Signed out", "tag-red"],
};

async function read() {
  if (await run(() => desk.load())) await watch?.load();
  else if (!desk.me) setTimeout(read, READ_AGAIN_AFTER);
}

const push = connect(token, ({ state, seamless }) => {
  const [words, colour] = CONNECTION[state];
  const tag = one("connection");
  tag.textContent = words;
  tag.className = `tag ${colour}`;
  one("signed-out").hidden = state !== "signed-out";
  if (state === "connected" && !seamless) read();
});
push.subscribe("/v2/me/calls", (data) => desk.hearCall(data));
push.subscribe("/v2/me/devices", (data) => {
  desk.hearDevices(data);
  watch?.show();
});
push.subscribe("/v2/me/channels", (data) => desk.hearChannels(data));
setInterval(() => desk.readMe().catch(() => {}), SEEN_EVERY);
