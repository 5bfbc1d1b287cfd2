/** What the page does beyond what it says: one switch for all maps, and light or dark. It reads well without. */
export const pageScript = `
const root = document.documentElement;
const controls = document.querySelector('.controls');
controls.hidden = false;
const views = controls.querySelector('.views');
if (!document.querySelector('figure.map')) views.hidden = true;
for (const button of views.querySelectorAll('button')) {
  button.addEventListener('click', () => {
    for (const input of document.querySelectorAll('.view input.' + button.dataset.view)) input.checked = true;
  });
}
const toggle = controls.querySelector('[data-theme-toggle]');
const isDark = () => (root.dataset.theme || (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light')) === 'dark';
const show = () => toggle.setAttribute('aria-pressed', String(isDark()));
toggle.addEventListener('click', () => { root.dataset.theme = isDark() ? 'light' : 'dark'; show(); });
show();
`;
