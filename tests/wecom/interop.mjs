// Reads one JSON from standard input, lets the npm package @wecom/crypto seal its `plain` and open its `sealed`,
// and prints what came of it.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const wecom = createRequire(`${process.cwd()}/`)("@wecom/crypto");
const asked = JSON.parse(readFileSync(0, "utf8"));
const sign = (sealed) => wecom.getSignature(asked.token, asked.timestamp, asked.nonce, sealed);
const made = asked.plain.map((plain) => {
  const sealed = wecom.encrypt(asked.aes_key, plain, asked.receive_id);
  return { plain, sealed, signature: sign(sealed) };
});
const opened = asked.sealed.map((sealed) => {
  const { message, id } = wecom.decrypt(asked.aes_key, sealed);
  return { message, id, signature: sign(sealed) };
});
console.log(JSON.stringify({ made, opened }));
