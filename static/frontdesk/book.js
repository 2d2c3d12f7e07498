"use strict";

// Shows times on the clock of whoever looks, as long as nobody has chosen another one.
const zones = document.querySelector("select[data-is-open]");
if (zones) {
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (here !== zones.value && [...zones.options].some((one) => one.value === here)) {
    zones.value = here;
    // Going back leads past this page.
    location.replace(`?${new URLSearchParams(new FormData(zones.form))}`);
  }
}

// Within the page of another site: says how high this page is, so that its frame can follow.
if (window.parent !== window) {
  document.documentElement.classList.add("is-framed");
  const content = document.getElementById("content");
  const tell = () => {
    const height = Math.ceil(content.getBoundingClientRect().height);
    // To whatever site: only those that the application names can frame this page at all
    // (frame-ancestors), and a height is nobody's secret.
    window.parent.postMessage({ type: "frontdesk:height", height }, "*");
  };
  new ResizeObserver(tell).observe(content);
  tell();
}
