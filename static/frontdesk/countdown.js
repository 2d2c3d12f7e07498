// Counts down to when the room opens, and looks then; without it the page says when that is.
"use strict";
(() => {
  const timer = document.querySelector("[data-countdown]");
  const opensAt = Date.now() + Number(timer.dataset.countdown) * 1000;
  const language = document.documentElement.lang;
  // Not all at once: a waiting room has several people, and there are many rooms at nine.
  const patience = Math.random() * 2000;
  // Where it should be open already there is nothing to count, only another look to be had.
  const words = timer.dataset.words;

  const inUnit = (number, unit) =>
    new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "long" }).format(number);

  const inWords = (seconds) => {
    const minutes = Math.floor(seconds / 60);
    const rest = inUnit(seconds % 60, "second");
    return minutes ? `${inUnit(minutes, "minute")} ${rest}` : rest;
  };

  const tick = () => {
    const left = opensAt - Date.now();
    if (left <= -patience) {
      window.location.reload();
      return;
    }
    const seconds = Math.max(0, Math.ceil(left / 1000));
    // Days and hours stand there already.
    if (words && seconds < 3600) timer.textContent = words.replace("{time}", inWords(seconds));
    window.setTimeout(tick, 1000);
  };
  tick();
})();
