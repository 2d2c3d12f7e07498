// Within the page of another site: says how high this page is, so that its frame can follow.
"use strict";
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
