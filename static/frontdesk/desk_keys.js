// Shortcuts: single keys, outside of fields, which can be switched off (WCAG 2.2, 2.1.4).

const KEPT = "frontdesk.desk.keys";

/** Have keys do things: `actions` are functions by key; `toggle` is the box that switches them. */
export function shortcuts(actions, toggle) {
  toggle.checked = localStorage.getItem(KEPT) !== "off";
  toggle.addEventListener("change", () =>
    localStorage.setItem(KEPT, toggle.checked ? "on" : "off"),
  );
  document.addEventListener("keydown", (event) => {
    if (!toggle.checked || event.repeat || event.defaultPrevented) return;
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.target.closest("input:not([type=checkbox]), select, textarea")) return;
    const action = actions[event.key.toLowerCase()];
    if (!action) return;
    event.preventDefault();
    action();
  });
}
