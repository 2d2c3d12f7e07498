// Supervisors take part in the calls of others: they listen, talk with both, or with the agent.

const OPERATIONS = ["ListenIn", "BargeIn", "Coach", "CancelSupervisorMonitoring"];
const WORDS = { ListenIn: "You listen in", BargeIn: "You talk with both", Coach: "You coach" };

export class Watch {
  constructor(root, desk, run, api) {
    Object.assign(this, { root, desk, run, api });
    this.one = (name) => root.querySelector(`[data-${name}]`);
    this.select = this.one("telephone");
    this.select.addEventListener("change", () => this.show());
    this.one("again").addEventListener("click", () => this.load());
    for (const name of OPERATIONS) {
      this.one(`do="${name}"`).addEventListener("click", () => this.#ask(name));
    }
  }

  /** Read which telephones there are; an address names the one that is meant first. */
  async load() {
    const wanted =
      this.select.value || new URLSearchParams(location.search).get("listen") || "";
    const answer = await fetch(this.root.dataset.url, { headers: { Accept: "application/json" } });
    if (!answer.ok) return;
    const { telephones } = await answer.json();
    this.select.replaceChildren(
      new Option("Choose a telephone", ""),
      ...telephones.map((one) => new Option(`${one.name}, ${one.phoneNumber}`, one.id)),
    );
    this.select.value = telephones.some((one) => one.id === wanted) ? wanted : "";
    await this.show();
  }

  /** Show what can be done with the telephone that is chosen. */
  async show() {
    const id = this.select.value;
    const said = this.one("watched");
    let device = { capabilities: [] };
    if (id) {
      try {
        device = (await this.api.get(`/devices/${id}`)).device;
      } catch (refused) {
        said.textContent = refused.message;
        return;
      }
    }
    // Another one may have been chosen meanwhile.
    if (id !== this.select.value) return;
    const focused = document.activeElement;
    for (const name of OPERATIONS) {
      this.one(`do="${name}"`).hidden = !device.capabilities.includes(name);
    }
    const isMine = device.capabilities.includes("CancelSupervisorMonitoring");
    const isTaken = device.supervisorMonitoringState && !isMine;
    said.textContent = isMine
      ? `${WORDS[device.supervisorMonitoringState]}: ${this.select.selectedOptions[0].text}.`
      : isTaken
        ? "Another supervisor takes part there."
        : "";
    if (focused.hidden && this.root.contains(focused)) this.select.focus();
  }

  async #ask(operation) {
    const members =
      operation === "CancelSupervisorMonitoring"
        ? {}
        : {
            supervisorMonitoringMode: this.one("mode").value,
            supervisorMonitoringScope: this.one("scope").value,
          };
    await this.run(() => this.api.post(`/devices/${this.select.value}`, operation, members));
    await this.show();
  }
}
