// Says of requests, one JSON object a line, whether the library of Standard Webhooks accepts them.
import { createInterface } from "node:readline";
import { Webhook, WebhookVerificationError } from "standardwebhooks";

for await (const line of createInterface({ input: process.stdin })) {
  const { secret, body, headers } = JSON.parse(line);
  let answer;
  try {
    const read = new Webhook(secret).verify(Buffer.from(body, "base64"), headers);
    answer = { accepted: true, read };
  } catch (error) {
    // Anything else is a fault of ours, and no refusal.
    if (!(error instanceof WebhookVerificationError)) throw error;
    answer = { accepted: false, reason: error.message };
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
}
