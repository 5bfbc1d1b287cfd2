/** SHA-256 of some bytes, in hexadecimal. */
export async function sha256(bytes: Uint8Array): Promise<string> {
  // A copy, because the bytes may lie in shared memory, which the platform refuses.
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', Uint8Array.from(bytes)));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
