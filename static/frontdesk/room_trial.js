// Trying camera, microphone and loudspeaker out, before anybody else is there.

import { Media, offerDevices } from "./room_media.js";

const root = document.getElementById("room-trial");
const words = document.getElementById("room-words").dataset;
const one = (selector) => root.querySelector(selector);
const media = new Media();
let context = null;
let level = null;

function say(problem, kind) {
  const names = { audio: "Microphone", video: "Camera" };
  one("[data-said]").textContent = problem
    ? words[`${problem}${names[kind]}`] ?? words[problem]
    : words.fine;
  one("[data-said]").className = `notice ${problem ? "notice-amber" : "notice-green"}`;
  one("[data-said]").hidden = false;
}

function show() {
  const picture = one("video");
  const shown = picture.srcObject?.getVideoTracks()[0] ?? null;
  if (shown !== media.camera) {
    picture.srcObject = media.camera ? new MediaStream([media.camera]) : null;
  }
  one("[data-no-picture]").hidden = Boolean(media.camera);
  listen();
}

/** Show how loud it is where the microphone is. */
function listen() {
  level?.disconnect();
  level = null;
  if (!media.audio || !context) return;
  level = context.createMediaStreamSource(new MediaStream([media.audio]));
  const analyser = context.createAnalyser();
  level.connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const current = level;
  const draw = () => {
    if (level !== current) return;
    analyser.getFloatTimeDomainData(samples);
    const loudness = Math.sqrt(samples.reduce((sum, each) => sum + each * each, 0) / samples.length);
    one("meter").value = Math.min(1, loudness * 4);
    requestAnimationFrame(draw);
  };
  draw();
}

one('[data-do="try"]').addEventListener("click", async () => {
  context ??= new AudioContext();
  context.resume();
  const { audio, video } = await media.open();
  one("[data-tried]").hidden = false;
  if (audio && audio === video) say(audio, "");
  else say(audio || video, audio ? "audio" : "video");
});

one('[data-do="sound"]').addEventListener("click", () => {
  context ??= new AudioContext();
  const sound = context.createOscillator();
  const volume = context.createGain();
  volume.gain.value = 0.2;
  sound.frequency.value = 440;
  sound.connect(volume).connect(context.destination);
  sound.start();
  sound.stop(context.currentTime + 0.7);
});

media.addEventListener("change", show);
offerDevices(root, media, { said: say, sounds: () => [] });
window.addEventListener("pagehide", () => media.close());
root.hidden = false;
