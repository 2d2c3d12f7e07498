// The API of desktops, as any other client has it; refusals come with the words of the server.

import { SignedOut } from "./push.js";

const ROOT = "/api/v2";

/** What the server does not do, in words for whoever asked. */
export class Refused extends Error {}

export class Api {
  constructor(getToken) {
    this.getToken = getToken;
  }

  /** Read a resource. Throws Refused. */
  get(path) {
    return this.#send("GET", path);
  }

  /** Have an operation carried out. Throws Refused. */
  post(path, operationName, members = {}) {
    return this.#send("POST", path, { operationName, ...members });
  }

  async #send(method, path, body) {
    let answer = await this.#asked(method, path, body, false);
    // The token may have been taken back, by a new password for example.
    if (answer.status === 401) answer = await this.#asked(method, path, body, true);
    const said = await answer.json().catch(() => ({}));
    if (answer.ok && said.statusCode === 0) return said;
    throw new Refused(said.statusMessage || `The server answered with status ${answer.status}.`);
  }

  async #asked(method, path, body, renew) {
    try {
      return await fetch(`${ROOT}${path}`, {
        method,
        // The token says who asks: no session of another kind is begun.
        credentials: "omit",
        headers: {
          Authorization: `Bearer ${await this.getToken({ renew })}`,
          ...(body && { "Content-Type": "application/json" }),
        },
        body: body && JSON.stringify(body),
      });
    } catch (problem) {
      const isOut = problem instanceof SignedOut;
      throw new Refused(isOut ? problem.message : "The server cannot be reached.");
    }
  }
}
