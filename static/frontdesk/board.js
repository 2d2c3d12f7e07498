// The live board: reads the picture once, and changes it by what is told. It reads it anew only
// after a connection was lost for so long that something may have been missed.

import { Model } from "./board_model.js";
import { View } from "./board_view.js";
import { tokensFrom } from "./desk_token.js";
import { connect } from "./push.js";

const TOPIC = "/v2/board";
const PAUSE_AT_FIRST = 1000;
const PAUSE_AT_MOST = 30000;

const root = document.getElementById("board");
const model = new Model();
const view = new View(root, model);

/** Whose news came though no picture has them. */
const strangers = new Set();
/** What was told while the picture is on its way; null while it is there. */
let waiting = [];
let reading = 0;
let pause = PAUSE_AT_FIRST;
let again = null;

function hear(event) {
  if (waiting) {
    waiting.push(event);
    return;
  }
  const changed = model.hear(event);
  if (!changed.unknown) {
    view.change(changed);
  } else if (!strangers.has(event.userId)) {
    // Somebody is new here; where one is, others may follow. Who has no desk is asked for once.
    strangers.add(event.userId);
    again ??= setTimeout(read, pause);
  }
}

async function read() {
  clearTimeout(again);
  again = null;
  reading += 1;
  const mine = reading;
  // What is told from here on may be newer than the picture.
  waiting ??= [];
  try {
    const picture = await fetched();
    if (mine === reading && picture) show(picture);
  } catch {
    if (mine !== reading) return;
    view.complain("The state of the desk cannot be read. Trying again.");
    again = setTimeout(read, pause);
    pause = Math.min(pause * 2, PAUSE_AT_MOST);
  }
}

async function fetched() {
  const options = { headers: { Accept: "application/json" }, redirect: "manual" };
  const answer = await fetch(root.dataset.state, options);
  if (answer.type === "opaqueredirect" || answer.status === 403) {
    stand({ state: "signed-out" });
    return null;
  }
  if (!answer.ok) throw new Error(`No state: ${answer.status}`);
  return answer.json();
}

function show(picture) {
  const told = waiting;
  waiting = null;
  pause = PAUSE_AT_FIRST;
  model.load(picture);
  for (const event of told) model.hear(event);
  view.complain("");
  view.showAll(picture.at);
}

function stand({ state, seamless }) {
  view.showLink(state);
  if (state === "connected" && !seamless) read();
}

const tokens = tokensFrom(root.dataset.token, root.dataset.csrf);
connect(tokens, stand).subscribe(TOPIC, hear, { replays: false });
