// Starts Redoc without its web fonts and search worker, and without the logo it takes from a CDN.
"use strict";

const images = HTMLImageElement.prototype;
const isOurs = (address) =>
  address.startsWith("data:") || new URL(address, window.location).origin === window.location.origin;
const setAttribute = images.setAttribute;
images.setAttribute = function (name, value) {
  if (name !== "src" || isOurs(value)) {
    setAttribute.call(this, name, value);
  }
};
// React writes the attribute first, and the property once more when the image is in its place.
Object.defineProperty(images, "src", {
  get() {
    return this.getAttribute("src") ?? "";
  },
  set(value) {
    this.setAttribute("src", value);
  },
});

const place = document.getElementById("redoc");
window.Redoc.init(
  place.dataset.schema,
  {
    disableSearch: true,
    hideHostname: true,
    theme: {
      colors: { primary: { main: "#0f5c78" } },
      typography: {
        fontFamily: "system-ui, sans-serif",
        headings: { fontFamily: "system-ui, sans-serif" },
      },
    },
  },
  place,
);
