// The access token of whoever is signed in here. It is short-lived, and kept in memory only.

import { SignedOut } from "./push.js";

const EARLIER = 60000;

/** Give what fetches tokens: a function of `{renew}` that gives a promise of one. */
export function tokensFrom(url, csrf) {
  let asked = null;
  let until = 0;
  return function token({ renew = false } = {}) {
    if (asked && !renew && Date.now() < until) return asked;
    // Until the answer is there, everybody waits for the same one.
    until = Infinity;
    asked = fetched(url, csrf).then(
      (answer) => {
        until = Date.now() + answer.expiresIn * 1000 - EARLIER;
        return answer.access;
      },
      (problem) => {
        asked = null;
        throw problem;
      },
    );
    return asked;
  };
}

async function fetched(url, csrf) {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "X-CSRFToken": csrf, Accept: "application/json" },
    redirect: "manual",
  });
  // Nobody is signed in any more: the page of the door would be next.
  if (answer.type === "opaqueredirect" || answer.status === 403) throw new SignedOut();
  if (!answer.ok) throw new Error(`No token: ${answer.status}`);
  return answer.json();
}
