/** Addresses that vite gives to files. */
declare module '*?url' {
  const address: string;
  export default address;
}

declare module '*?worker&url' {
  const address: string;
  export default address;
}

/** Trusted Types, which TypeScript does not know yet: what a policy makes passes as text here. */
declare var trustedTypes:
  | {
      createPolicy(
        name: string,
        rules: { createScriptURL(address: string): string; createHTML(html: string): string },
      ): { createScriptURL(address: string): string; createHTML(html: string): string };
    }
  | undefined;
