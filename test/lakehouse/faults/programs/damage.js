// Damage to a file, drawn from a random source: bits flipped, bytes cut, inserted, overwritten with zeros, or copied over others.

/** @typedef {{ readonly bytes: Buffer, readonly what: string }} Damaged */

/** @type {readonly ((bytes: Buffer, at: number, size: number, random: () => number) => Damaged)[]} */
const DAMAGES = [flipBits, flipBits, flipBits, flipBits, cutOff, cutOut, insertBytes, zeroBytes, copyOver]

/** @param {Buffer} bytes @param {() => number} random @returns {Damaged} */
export function damage(bytes, random) {
  const kind = DAMAGES[Math.floor(random() * DAMAGES.length)] ?? flipBits
  const at = Math.floor(random() * bytes.length)
  // Mostly a few bytes, sometimes many.
  const size = 1 + Math.floor(random() ** 4 * Math.min(600, bytes.length - at))
  return kind(bytes, at, size, random)
}

/** @param {Buffer} bytes @param {number} at @param {number} _size @param {() => number} random */
function flipBits(bytes, at, _size, random) {
  const damaged = Buffer.from(bytes)
  const bit = Math.floor(random() * 8)
  damaged[at] = (damaged[at] ?? 0) ^ (1 << bit)
  return { bytes: damaged, what: `bit ${bit} of byte ${at} flipped` }
}

/** @param {Buffer} bytes @param {number} at */
function cutOff(bytes, at) {
  return { bytes: Buffer.from(bytes.subarray(0, at)), what: `cut off at ${at}` }
}

/** @param {Buffer} bytes @param {number} at @param {number} size */
function cutOut(bytes, at, size) {
  const damaged = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + size)])
  return { bytes: damaged, what: `${size} bytes cut out at ${at}` }
}

/** @param {Buffer} bytes @param {number} at @param {number} size @param {() => number} random */
function insertBytes(bytes, at, size, random) {
  const inserted = Buffer.from(Array.from({ length: size }, () => Math.floor(random() * 256)))
  return {
    bytes: Buffer.concat([bytes.subarray(0, at), inserted, bytes.subarray(at)]),
    what: `${size} bytes inserted at ${at}`,
  }
}

/** @param {Buffer} bytes @param {number} at @param {number} size */
function zeroBytes(bytes, at, size) {
  const damaged = Buffer.from(bytes)
  damaged.fill(0, at, at + size)
  return { bytes: damaged, what: `${size} zeros at ${at}` }
}

/** @param {Buffer} bytes @param {number} at @param {number} size @param {() => number} random */
function copyOver(bytes, at, size, random) {
  const damaged = Buffer.from(bytes)
  const from = Math.floor(random() * (bytes.length - size))
  bytes.copy(damaged, at, from, from + size)
  return { bytes: damaged, what: `${size} bytes of ${from} copied over those at ${at}` }
}
