// What an operation of a call needs to know besides: a number to call, or tones to send.

const NUMBER = { label: "Number or name", member: "destination", isNumber: true };
const WANTED = {
  SingleStepTransfer: { ...NUMBER, title: "Transfer now to" },
  SingleStepConference: { ...NUMBER, title: "Add to the call" },
  InitiateTransfer: { ...NUMBER, title: "Ask before the transfer" },
  InitiateConference: { ...NUMBER, title: "Ask before the conference" },
  SendDtmf: { label: "Tones (0 to 9, * and #)", member: "digits", title: "Send tones" },
};

/** Give the form of a card, in which what is asked for can be filled in. */
export function askForm(form, desk, command) {
  const input = form.querySelector("input");
  const label = form.querySelector("label");
  const title = form.querySelector("[data-title]");
  let operation = "";
  let opener = null;
  const id = `ask-${Math.random().toString(36).slice(2)}`;
  [input.id, label.htmlFor, title.id] = [id, id, `${id}-title`];
  form.setAttribute("aria-labelledby", title.id);

  function close() {
    const had = form.contains(document.activeElement);
    form.hidden = true;
    operation = "";
    if (had && opener && !opener.hidden) opener.focus();
    else if (had) form.closest("[data-call]").focus();
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const asked = operation;
    const { member, isNumber } = WANTED[asked];
    const isTaken = await command(asked, async () => ({
      [member]: isNumber ? await desk.numberMeant(input.value) : input.value.trim(),
    }));
    // The call may be gone by now, or something else be asked for.
    if (operation !== asked) return;
    if (isTaken) close();
    else input.focus();
  });
  form.querySelector("[data-cancel]").addEventListener("click", close);
  form.addEventListener("keydown", (event) => event.key === "Escape" && close());

  return {
    /** Ask for what an operation needs. */
    open(wanted, button) {
      [operation, opener] = [wanted, button];
      const { label: words, title: text, isNumber } = WANTED[wanted];
      label.textContent = words;
      title.textContent = text;
      form.querySelector("[type=submit]").textContent = text;
      input.value = "";
      input.inputMode = isNumber ? "text" : "tel";
      if (isNumber) input.setAttribute("list", "contact-numbers");
      else input.removeAttribute("list");
      form.hidden = false;
      input.focus();
    },
    /** Go away with the operation that it belongs to. */
    keep(capabilities) {
      if (operation && !capabilities.includes(operation)) close();
    },
  };
}
