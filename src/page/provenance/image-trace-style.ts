/** Rules of the page of a traced image. */
export const imageTraceStyle = `
main section{border-top:1px solid var(--line);padding:1.6rem 0}
.evidence-head{display:grid;grid-template-columns:minmax(0,260px) minmax(0,1fr);gap:1.6rem;align-items:start;margin-bottom:1.4rem}
.traced img{width:100%;border-radius:4px}.traced figcaption{margin-top:.35rem;overflow-wrap:anywhere}
.statements{margin:0;max-width:46rem}.statements dt{font-weight:600}.statements dd{margin:.1rem 0 .9rem;overflow-wrap:anywhere}
.sources-grid{list-style:none;padding:0;margin:0;display:grid;grid-template-columns:repeat(auto-fill,minmax(150px,1fr));gap:1rem}.sources-grid.paired{grid-template-columns:repeat(auto-fill,minmax(min(100%,270px),1fr))}
.sources-grid .card{padding:.8rem}.sources-grid p{margin:.3rem 0}
.pair{display:flex;gap:.5rem;align-items:flex-start}.pair figure{flex:1 1 0;min-width:0;border-radius:4px}.pair img{width:100%}
.source-name{overflow-wrap:anywhere}.gone{color:var(--quiet);font-size:.84rem}
.groups{width:auto;min-width:min(100%,24rem);margin:1rem 0;font-size:.9rem}.groups thead th{color:var(--quiet)}.groups thead .number{text-align:right}.groups td,.groups th{padding:.3em 1em .3em 0;border-bottom:1px solid var(--line)}
.facts code{overflow-wrap:anywhere}.metadata span{margin-right:.8em}.metadata{font-size:.84rem;overflow-wrap:anywhere}
.effects{font-size:.9rem;width:auto}.effects thead th{color:var(--quiet)}.effects td,.effects th{padding:.35em 1.2em .35em 0;border-bottom:1px solid var(--line);overflow-wrap:normal}.effects thead .number{text-align:right}
.meaning dl{max-width:52rem;margin:0}.meaning dt{font-weight:600}.meaning dd{margin:.1rem 0 .8rem}
@media (max-width:560px){.evidence-head{grid-template-columns:minmax(0,1fr)}.traced{max-width:240px}}
@media print{.card,.effects,.statements dd,.verdict,main section>.quiet{break-inside:avoid}.sources-grid,.sources-grid.paired{display:block}.sources-grid .card{display:block;overflow:hidden;padding:.4rem;margin:0 0 .4rem;font-size:.85em}.sources-grid .card p{margin:.1rem 0;overflow:hidden}.sources-grid .pair{float:left;width:2.2cm;margin-right:.7rem}.sources-grid.paired .pair{width:4.6cm}.sources-grid details{display:none}h2,.verdict,main section>.quiet{break-after:avoid}.groups{break-inside:avoid}}
.hashes{font-size:.8rem}.hashes td,.hashes th{padding:.2em 1em .2em 0;vertical-align:top;overflow-wrap:anywhere}
`;
