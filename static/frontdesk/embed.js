// Puts the booking page where its script tag stands, in a frame that is as high as the page:
// <script src="https://desk.example.com/static/frontdesk/embed.js" data-application="…" async></script>
// Besides: data-subject, data-language, data-meeting-type, data-office, data-zone, data-title.
"use strict";
(() => {
  const tag = document.currentScript;
  const home = new URL(tag.src).origin;
  const asked = tag.dataset;
  if (!asked.application) {
    console.error("Frontdesk: the script tag needs data-application.");
    return;
  }
  const names = { de: "Termin buchen", el: "Κλείστε ραντεβού", en: "Book an appointment" };
  const path = [asked.application, asked.subject].filter(Boolean).map(encodeURIComponent);
  const address = new URL(`/book/${path.join("/")}`, home);
  const wanted = {
    embedded: "1",
    language: asked.language,
    meetingType: asked.meetingType,
    officeId: asked.office,
    zone: asked.zone,
  };
  for (const [name, value] of Object.entries(wanted)) {
    if (value) address.searchParams.set(name, value);
  }

  const frame = document.createElement("iframe");
  const language = asked.language || document.documentElement.lang.slice(0, 2);
  frame.title = asked.title || names[language] || names.en;
  frame.loading = "lazy";
  frame.style.cssText = "display: block; width: 100%; height: 40rem; border: 0;";
  frame.src = address.href;

  window.addEventListener("message", (event) => {
    // Of all that speak to this page, our own frame alone, and only while our own page is in it.
    if (event.origin !== home || event.source !== frame.contentWindow) return;
    const { type, height } = event.data ?? {};
    if (type !== "frontdesk:height" || !Number.isFinite(height) || height <= 0) return;
    frame.style.height = `${Math.min(Math.ceil(height), 10000)}px`;
  });
  let hasLoaded = false;
  frame.addEventListener("load", () => {
    // The next step begins at its top, which may be far above what was clicked.
    if (hasLoaded && frame.getBoundingClientRect().top < 0) frame.scrollIntoView();
    hasLoaded = true;
  });
  tag.after(frame);
})();
