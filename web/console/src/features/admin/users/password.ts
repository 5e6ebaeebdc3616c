// Without 0 O 1 l I and the like: somebody will read it aloud or type it.
const letters = 'abcdefghjkmnpqrstuvwxyz23456789'

/** A password to hand over once: 20 letters of 31, about 99 bits, in groups of five. */
export function oneTimePassword(random: (bytes: Uint8Array) => Uint8Array = (b) => crypto.getRandomValues(b)): string {
  const fair = 256 - (256 % letters.length)
  let out = ''
  while (out.length < 20) {
    for (const byte of random(new Uint8Array(32))) {
      if (byte < fair && out.length < 20) out += letters[byte % letters.length]
    }
  }
  return out.match(/.{5}/g)?.join('-') ?? out
}
