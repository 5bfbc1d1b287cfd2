/** What the page of an audit adds to the style of all pages: a list of fixed rows beside the row in question. */
export const auditStyle = `
.review{display:grid;grid-template-columns:minmax(16rem,26rem) minmax(0,1fr);gap:1.2rem;margin:1.5rem 0}
.list{position:relative;height:70vh;overflow-y:auto;border:1px solid var(--line);border-radius:6px;background:var(--card)}
.list>div{position:relative}
.entry{position:absolute;left:0;right:0;height:76px;display:flex;gap:.7rem;align-items:center;padding:.3rem .7rem;border:0;border-bottom:1px solid var(--line);border-radius:0;text-align:left;background:none;overflow:hidden}
.entry[aria-selected=true]{background:var(--track);outline:2px solid var(--accent);outline-offset:-2px}
.entry .words{flex:1;min-width:0}.entry .words span{display:block;white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
.done{color:var(--good)}.entry .kind{color:var(--poor)}
.tile{flex:none;width:64px;height:64px;background-repeat:no-repeat;image-rendering:pixelated;border-radius:4px}
.large{width:192px;height:192px;zoom:1}
.detail{border:1px solid var(--line);border-radius:6px;background:var(--card);padding:1.1rem;min-height:20rem}
.detail table{border-collapse:collapse;font-size:.88rem;margin:.6rem 0 1rem}.detail td,.detail th{padding:.2em .8em .2em 0;text-align:left;vertical-align:top}
.detail .differs{background:var(--warn-ground);color:var(--warn-ink)}
.around{display:flex;flex-wrap:wrap;gap:.9rem}.around figure{width:7.5rem;font-size:.8rem}
.around .texts{width:100%}
.actions{display:flex;flex-wrap:wrap;gap:.5rem;margin:.8rem 0}
kbd{font:.8em ui-monospace,monospace;border:1px solid var(--line);border-bottom-width:2px;border-radius:4px;padding:.05em .4em;background:var(--paper)}
.facts{border-collapse:collapse;margin:.5rem 0 1.4rem}.facts td,.facts th{padding:.25em 1.2em .25em 0;text-align:left;vertical-align:top}.facts .number{text-align:right;font-variant-numeric:tabular-nums}
@media (max-width:760px){.review{grid-template-columns:1fr}.list{height:40vh}}
`;
