/** A number as a person reads it: `digits` significant digits (default 4), a true minus sign, `×10ⁿ` where it is extreme. */
export function numberText(value: number | null, digits = 4): string {
  if (value === null) return '–';
  if (!Number.isFinite(value)) return String(value).replace('-', '−');
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-4) {
    const [mantissa, exponent] = value.toExponential(Math.max(0, digits - 2)).split('e');
    return `${mantissa}×10${superscript(Number(exponent))}`.replace('-', '−');
  }
  const decimals = Math.max(0, Math.min(6, digits - 1 - Math.floor(Math.log10(Number(size.toPrecision(digits))))));
  return value.toFixed(decimals).replace('-', '−');
}

/** As {@link numberText} with a plus sign before positive numbers. */
export function signedText(value: number, digits = 3): string {
  return value > 0 ? `+${numberText(value, digits)}` : numberText(value, digits);
}

/** A share as a percentage with about two digits, e.g. 0.0312 → `3.1 %`; what is too small to show is `< 0.001 %`,
 * what is too large to mean anything `> 10,000 %`. */
export function percentText(share: number): string {
  const percent = 100 * share;
  const size = Math.abs(percent);
  if (size === 0) return '0 %';
  if (size < 0.001) return '< 0.001 %';
  if (size > 10_000) return share > 0 ? '> 10,000 %' : '< −10,000 %';
  const text =
    size >= 1000
      ? Number(percent.toPrecision(2)).toLocaleString('en')
      : percent.toFixed(size >= 100 ? 0 : size >= 1 ? 1 : size >= 0.1 ? 2 : 3);
  return `${text.replace('-', '−')} %`;
}

function superscript(value: number): string {
  const digits = [...String(Math.abs(value))].map((digit) => '⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(digit)]).join('');
  return value < 0 ? `⁻${digits}` : digits;
}
