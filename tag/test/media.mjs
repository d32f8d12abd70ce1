// Something to play.

/** A quiet WAV of some seconds: 8 kHz, 8 bit, mono. */
export function wav(seconds) {
  const rate = 8_000;
  const size = seconds * rate;
  const file = Buffer.alloc(44 + size, 128);
  file.write("RIFF", 0); file.writeUInt32LE(36 + size, 4); file.write("WAVEfmt ", 8); file.writeUInt32LE(16, 16);
  file.writeUInt16LE(1, 20); file.writeUInt16LE(1, 22); file.writeUInt32LE(rate, 24); file.writeUInt32LE(rate, 28);
  file.writeUInt16LE(1, 32); file.writeUInt16LE(8, 34); file.write("data", 36); file.writeUInt32LE(size, 40);
  return file;
}
