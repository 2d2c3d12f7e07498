// Small things of the page: what stays the same is not touched, so that focus and voice keep it.

/** Change a text only where it is another one: nothing that is read out is read out again. */
export function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Tell whether something is on the page, and not hidden with what is around it. */
export const isSeen = (element) => element.isConnected && !element.closest("[hidden]");

/** Give a button without words. */
export function plainButton() {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn btn-plain";
  return button;
}

/** Keep one element for each key, so that the focus stays on what stays. */
export function keyed(place, present, wanted, made) {
  for (const [key, element] of present) {
    if (wanted.has(key)) continue;
    element.remove();
    present.delete(key);
  }
  for (const [key, facts] of wanted) {
    if (!present.has(key)) {
      present.set(key, made(facts));
      place.append(present.get(key));
    }
    put(present.get(key), facts.text);
  }
  place.hidden = wanted.size === 0;
}
