/** Colours the prompt by the method and the kind of unit that are chosen. */
export const whyScript = `
const data = JSON.parse(document.getElementById('data').textContent);
const prompt = document.getElementById('prompt');
const told = document.getElementById('told');
const select = document.getElementById('method');
const buttons = [...document.querySelectorAll('[data-kind]')];
document.querySelector('.switches').hidden = false;
let kind = data.first;
const number = (value) => (value > 0 ? '+' : '') + Number(value.toPrecision(3)).toString().replace('-', '\\u2212');
function show() {
  const method = data.attributions[Number(select.value)];
  for (const button of buttons) button.disabled = !method.views[button.dataset.kind];
  if (!method.views[kind]) kind = buttons.map((button) => button.dataset.kind).filter((one) => method.views[one]).pop();
  for (const button of buttons) button.setAttribute('aria-pressed', String(button.dataset.kind === kind));
  const values = method.views[kind];
  let limit = 0;
  for (const value of values) limit = Math.max(limit, Math.abs(value));
  document.getElementById('low').textContent = number(-limit);
  document.getElementById('high').textContent = number(limit);
  prompt.replaceChildren();
  data.units[kind].forEach((unit, i) => {
    const part = document.createElement('span');
    part.className = 'unit ' + (values[i] < 0 ? 'minus' : 'plus') + (unit.special ? ' special' : '');
    part.tabIndex = 0;
    part.style.setProperty('--share', String(limit ? Math.abs(values[i]) / limit : 0));
    part.textContent = unit.text;
    const words = number(values[i]) + ' nats: ' + (unit.special ? 'always stays, ' : '') + kind + ' ' + (i + 1) + ' of ' + values.length + ', by ' + method.title;
    part.title = words;
    const tell = () => { told.textContent = '\\u201c' + unit.text.trim().slice(0, 80) + '\\u201d ' + words; };
    part.addEventListener('pointerenter', tell);
    part.addEventListener('focus', tell);
    prompt.append(part, ' ');
  });
}
select.addEventListener('change', show);
for (const button of buttons) button.addEventListener('click', () => { kind = button.dataset.kind; show(); });
show();
`;

/** What the page of a reason adds to the style of all pages. */
export const whyStyle = `
main section{border-top:1px solid var(--line);padding:1.6rem 0}
.answers{border-collapse:collapse;margin:.4rem 0 1rem}.answers td{padding:.3em 1.4em .3em 0;vertical-align:top}.answers .text{font-size:1.12rem;white-space:pre-wrap;max-width:40rem}.answers .text b{font-weight:600}
.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.switches{display:flex;flex-wrap:wrap;gap:1rem;align-items:center;margin:.6rem 0 1rem}.switches[hidden]{display:none}
select{font:inherit;font-size:.9rem;padding:.3em .5em;border:1px solid var(--line);border-radius:6px;background:var(--card);color:var(--ink)}
button:disabled{opacity:.45;cursor:default}
.prompt{max-width:50rem;font-size:1.12rem;line-height:2;white-space:pre-wrap}
.unit{border-radius:4px;padding:.14em .18em;box-decoration-break:clone;-webkit-box-decoration-break:clone}
.plus{background:color-mix(in oklab,var(--positive) calc(var(--share)*72%),transparent)}.minus{background:color-mix(in oklab,var(--negative) calc(var(--share)*72%),transparent)}
.unit:hover,.unit:focus-visible{outline:2px solid var(--accent)}
.special{outline:1px dashed var(--quiet);font-style:italic;font-size:.86em}
.answers td.quiet{white-space:nowrap}
.told{min-height:1.6em;font-variant-numeric:tabular-nums}
.scale-line{display:flex;gap:.7rem;align-items:center;max-width:26rem;font-variant-numeric:tabular-nums;margin:.2rem 0 .4rem}
.scale-line .scale{flex:1;border:1px solid var(--line);background:linear-gradient(90deg,color-mix(in oklab,var(--negative) 72%,transparent),transparent,color-mix(in oklab,var(--positive) 72%,transparent))}
.methods{border-collapse:collapse;font-size:.9rem;margin:.5rem 0}.methods td,.methods th{padding:.35em 1.3em .35em 0;text-align:left;border-bottom:1px solid var(--line);font-weight:400}.methods thead th{color:var(--quiet);vertical-align:bottom}.methods .number{text-align:right}.methods td:nth-child(2):not(.number){min-width:9rem}.chosen th{font-weight:600}
`;
