/** Addresses that vite gives to files. */
declare module '*?url' {
  const address: string;
  export default address;
}
