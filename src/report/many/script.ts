/** What the page of a run does: shows rows, a screenful at a time, of those that the filters leave, in an order. */
export const manyScript = `
const { columns, texts, rows, detail, side } = JSON.parse(document.getElementById('data').textContent);
const at = Object.fromEntries(columns.map((name, i) => [name, i]));
const textOf = (row, name) => texts[name][row[at[name]]];
const grades = { good: 'adds up', poor: 'does not add up', open: 'nothing to add up to', failed: 'could not be explained' };
const perPage = 50;
const score = 'score:msi-tolerant';
const scored = rows.some((row) => row[at[score]] !== null);
const list = document.querySelector('.rows');
const form = document.querySelector('.filters');
const pages = document.querySelector('.pages');
const element = (name, text, kind) => {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (kind) made.className = kind;
  return made;
};
const field = (label, input) => {
  const made = element('label', label);
  made.append(input);
  form.append(made);
  input.addEventListener(input.tagName === 'SELECT' ? 'change' : 'input', () => { page = 0; show(); });
  return input;
};
const select = (label, options) => {
  const made = element('select');
  for (const [value, text] of options) made.append(Object.assign(element('option', text), { value }));
  return field(label, made);
};
const choice = (label, name, called = (text) => text) => texts[name].length > 1
  ? select(label, [['', 'all'], ...texts[name].map((text, i) => [String(i), called(text)]).sort((a, b) => a[1].localeCompare(b[1], 'en', { numeric: true }))]) : undefined;
let page = 0;
const search = field('input', Object.assign(element('input'), { type: 'search', placeholder: 'part of its name' }));
const choices = [
  ['predicted', choice('output', 'predicted')], ['target', choice('target', 'target')], ['method', choice('method', 'method')],
  ['layer', choice('layer', 'layer')], ['baseline', choice('baseline', 'baseline')],
  ['grade', choice('quality', 'grade', (text) => grades[text] || text)],
].filter(([, input]) => input);
const error = select('error E / |T|', [['', 'any'], ['0.01', 'above 1 %'], ['0.1', 'above 10 %'], ['-0.01', 'at most 1 %']]);
const least = scored ? field('MSI at least', Object.assign(element('input'), { type: 'number', step: '0.05', min: '0', max: '1' })) : undefined;
const order = select('order', [['item', 'as given'], ['relativeError', 'largest error first'], ['difference', 'largest difference first'],
  ['predictedValue', 'least certain first'], ...(scored ? [[score, 'lowest MSI first']] : [])]);
const number = (value) => value === null ? '–' : String(Number(value.toPrecision(4)));
const percent = (value) => value === null ? '–' : Number((100 * value).toPrecision(2)) + ' %';
const found = () => {
  const part = search.value.toLowerCase();
  const bound = Number(error.value);
  const kept = rows.filter((row) =>
    (part === '' || row[at.source].toLowerCase().includes(part)) &&
    choices.every(([name, input]) => input.value === '' || row[at[name]] === Number(input.value)) &&
    (error.value === '' || (row[at.relativeError] !== null && (bound > 0 ? row[at.relativeError] > bound : row[at.relativeError] <= -bound))) &&
    (!least || least.value === '' || (row[at[score]] !== null && row[at[score]] >= Number(least.value))));
  const by = order.value;
  if (by === 'item') return kept;
  const rising = by === 'predictedValue' || by === score;
  const key = (row) => row[at[by]] === null ? Infinity : rising ? row[at[by]] : -Math.abs(row[at[by]]);
  return kept.map((row) => [key(row), row]).sort((a, b) => (a[0] === b[0] ? 0 : a[0] - b[0])).map(([, row]) => row);
};
const item = (row) => {
  const made = element('li');
  const map = element('div', undefined, 'map');
  if (row[at.sheet]) {
    map.style.backgroundImage = 'url("' + row[at.sheet] + '")';
    map.style.backgroundPosition = '0 ' + -side * row[at.cell] + 'px';
    map.setAttribute('role', 'img');
    map.setAttribute('aria-label', row[at.source] + ' and the attribution over it');
  }
  const told = element('div');
  const grade = textOf(row, 'grade');
  told.append(element('p', row[at.source]));
  if (grade === 'failed') told.append(element('p', row[at.told], 'grade failed'));
  else {
    const share = row[at.predictedValue] === null ? '' : ' (' + number(row[at.predictedValue]) + ')';
    told.append(element('p', (textOf(row, 'predicted') || '') + share + ', explained: ' + textOf(row, 'target')));
    const words = [textOf(row, 'method'), textOf(row, 'layer'), textOf(row, 'baseline')].filter(Boolean).join(', ');
    told.append(element('p', words, 'quiet'));
    told.append(element('p', 'T = ' + number(row[at.difference]) + ', ΣA = ' + number(row[at.sum]) + ', E / |T| = ' + percent(row[at.relativeError]) +
      (scored ? ', MSI ' + number(row[at[score]]) : ''), 'quiet'));
    if (row[at.told]) told.append(element('p', row[at.told]));
    told.append(element('span', grades[grade], 'grade ' + grade));
    const warnings = textOf(row, 'warnings');
    if (warnings) told.append(' ', element('span', warnings.replaceAll('\\n', '; '), 'quiet'));
  }
  const more = element('details');
  more.append(element('summary', 'In detail'), element('code', detail.replace('INPUT', () => quoted(row[at.source]))));
  told.append(more);
  made.append(row[at.sheet] ? map : element('div'), told);
  return made;
};
const quoted = (text) => /^[\\w@%+=:,./#-]+$/.test(text) ? text : "'" + text.replaceAll("'", "'\\\\''") + "'";
const show = () => {
  const kept = found();
  const last = Math.max(0, Math.ceil(kept.length / perPage) - 1);
  page = Math.min(page, last);
  list.replaceChildren(...kept.slice(page * perPage, (page + 1) * perPage).map(item));
  document.querySelector('.count').textContent = kept.length.toLocaleString('en') + ' of ' + rows.length.toLocaleString('en') + ' explanations';
  pages.hidden = last === 0;
  pages.querySelector('span').textContent = 'page ' + (page + 1) + ' of ' + (last + 1);
  pages.querySelector('[data-step="-1"]').disabled = page === 0;
  pages.querySelector('[data-step="1"]').disabled = page === last;
};
for (const button of pages.querySelectorAll('button'))
  button.addEventListener('click', () => { page += Number(button.dataset.step); show(); list.scrollIntoView(); });
form.addEventListener('submit', (event) => event.preventDefault());
form.hidden = false;
show();
const root = document.documentElement;
const toggle = document.querySelector('[data-theme-toggle]');
document.querySelector('.controls').hidden = false;
const isDark = () => (root.dataset.theme || (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light')) === 'dark';
const pressed = () => toggle.setAttribute('aria-pressed', String(isDark()));
toggle.addEventListener('click', () => { root.dataset.theme = isDark() ? 'light' : 'dark'; pressed(); });
pressed();
`;
