// Tells Bootstrap's own colours of the system's choice of light or dark; ours follow it by themselves.
"use strict";
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const follow = () => {
  document.documentElement.dataset.bsTheme = dark.matches ? "dark" : "light";
};
dark.addEventListener("change", follow);
follow();
