import { cssColour, divergingColour } from './colour-map.ts';
import { scaleGradient } from './explanation/card.ts';

const light = `--paper:#fbfaf7;--card:#ffffff;--ink:#1c1b19;--quiet:#5d5a54;--line:#dedad2;--accent:#1f4a86;--good:#1d6240;--poor:#8a3d00;--warn-ground:#fff3d1;--warn-ink:#573a00;--warn-line:#c99a2e;--track:#efece5;--total:#6c6962;--shade:#0003;`;
const dark = `--paper:#171614;--card:#201f1c;--ink:#eceae4;--quiet:#b0aca3;--line:#3a3833;--accent:#9cc0f5;--good:#86d3a8;--poor:#f2b37c;--warn-ground:#3d2f0c;--warn-ink:#ffe2a0;--warn-line:#8a6a1e;--track:#2c2a26;--total:#8f8b82;--shade:#000;`;

/** The page's style sheet: system fonts, one column on a phone, cards beside each other where there is room. */
export function pageStyle(): string {
  const ends = (ground: 'light' | 'dark') =>
    `--negative:${cssColour(divergingColour(-1, ground))};--positive:${cssColour(divergingColour(1, ground))};`;
  return `
:root{${light}${ends('light')}color-scheme:light}
@media (prefers-color-scheme:dark){:root:not([data-theme=light]){${dark}${ends('dark')}color-scheme:dark}}
:root[data-theme=dark]{${dark}${ends('dark')}color-scheme:dark}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;overflow-wrap:anywhere}
h1,h2,h3,.mark{font-family:"Iowan Old Style","Palatino Linotype",Palatino,"Book Antiqua",Georgia,serif;font-weight:600;line-height:1.2;text-wrap:balance}
h1{font-size:clamp(1.7rem,1.2rem + 2.2vw,2.6rem);margin:.2em 0 .5em}
h2{font-size:1.5rem;margin:0 0 .2em}
h3{font-size:1.2rem;margin:0 0 .7em;font-weight:500}
h4{font-size:1rem;margin:0}
p{margin:0 0 .8em}
a{color:var(--accent)}
q{quotes:"“" "”"}
code{font:.86em ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace}
.quiet,figcaption{color:var(--quiet);font-size:.84rem}
.unseen{position:absolute!important;width:1px;height:1px;margin:-1px;padding:0;border:0;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.skip{position:absolute;left:-99em}
.skip:focus{left:1rem;top:.5rem;background:var(--card);padding:.4em .8em;z-index:9}
:focus-visible,input:focus-visible+label{outline:2px solid var(--accent);outline-offset:2px}
.top,main,footer{max-width:1180px;margin:0 auto;padding:0 clamp(1rem,4vw,2.5rem)}
.top{display:flex;flex-wrap:wrap;gap:.5rem 1rem;align-items:center;justify-content:space-between;padding-top:1.2rem}
.mark{margin:0;color:var(--quiet);font-style:italic;font-weight:500}
.controls{display:flex;gap:.6rem;align-items:center;flex-wrap:wrap}
.controls[hidden],.views[hidden]{display:none}
fieldset{border:0;margin:0;padding:0;min-width:0}
.views{display:inline-flex}
button,.view label{font:inherit;font-size:.84rem;color:var(--ink);background:var(--card);border:1px solid var(--line);padding:.3em .8em;cursor:pointer;min-height:2rem}
button{border-radius:6px}
.views button{border-radius:0;margin-left:-1px}
.views button:first-of-type{border-radius:6px 0 0 6px}
.views button:last-of-type{border-radius:0 6px 6px 0}
button:hover,.view label:hover{border-color:var(--quiet)}
[aria-pressed=true]{background:var(--ink);color:var(--paper)}
.introduction{max-width:46rem;margin-bottom:2rem}
.chapter-title{margin-top:2.2em;font-size:1.8rem}
.chapter>p{max-width:46rem}
.fold{font-size:inherit}
.fold>summary{font-size:1rem}
.input{border-top:1px solid var(--line);padding:2rem 0 1rem}
.head{display:grid;grid-template-columns:minmax(0,200px) minmax(0,1fr);gap:1.6rem;align-items:start;margin-bottom:1.6rem}
.head:not(:has(figure)){grid-template-columns:minmax(0,1fr)}
figure{margin:0}
img{display:block;max-width:100%}
.outlined{position:relative;overflow:hidden}.boxes{position:absolute;inset:0;width:100%;height:100%;pointer-events:none}.boxes rect,.boxes path{fill:none;stroke:#fff;stroke-width:1.5px;vector-effect:non-scaling-stroke}.boxes .under{stroke:#000;stroke-width:4px;opacity:.65}.boxes .other{stroke-dasharray:6 5}
.seen img{width:100%;border-radius:4px}
.seen figcaption{margin-top:.35rem}
.pixels,.pixels img,.pixels .stage>div{image-rendering:pixelated}
.fact{margin:0 0 .8rem}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:left;font-weight:400;padding:.22em .5em .22em 0;vertical-align:middle}
.prediction{max-width:36rem}
caption{text-align:left;color:var(--quiet);font-size:.84rem;padding-bottom:.3em}
.prediction th{width:46%}
.chosen th{font-weight:600}
.tag,.flag{font-size:.72rem;font-weight:500;border:1px solid currentColor;border-radius:99px;padding:0 .5em;color:var(--quiet);white-space:nowrap}
.flag{color:var(--poor);white-space:normal;display:inline-block;border-radius:8px;padding:.05em .5em}
.bar{width:38%}
.bar span{display:block;height:.55em;background:var(--total);border-radius:2px;min-width:1px}
.chosen .bar span{background:var(--accent)}
.number{text-align:right;white-space:nowrap}
.question{margin:0 0 2.4rem}
.equation{display:flex;flex-wrap:wrap;gap:.6rem 1rem;align-items:center;margin-bottom:1.2rem}
.equation .term{display:flex;gap:.7rem;align-items:center;max-width:21rem}
.equation img{width:64px;height:64px;object-fit:cover;border-radius:4px;border:1px solid var(--line);flex:none}
.equation p{margin:0;font-variant-numeric:tabular-nums;line-height:1.35}
.equation b{font-size:1.2rem}
.sign{font-size:1.5rem;color:var(--quiet)}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,280px),1fr));gap:1.2rem}.cards.two{grid-template-columns:repeat(auto-fit,minmax(min(100%,300px),1fr))}.cards.one{grid-template-columns:minmax(0,1fr)}
@media (min-width:800px){.cards.one .card{flex-direction:row;gap:2rem}.cards.one .card>*{flex:1 1 50%;min-width:0}.cards.one:not(.wide) .shown{max-width:460px}.cards.one .card:not(:has(.scorecard)){max-width:56rem}.cards.wide.one .card:not(:has(.scorecard)){flex-direction:column;gap:0}.cards.wide.one .card:has(.scorecard){max-width:none}.cards.wide.one .card>.shown{flex-basis:60%}.cards.wide.one .card>.read{flex-basis:34%}.cards.one .read{padding-top:.6rem}}
.cards.wide{grid-template-columns:repeat(auto-fit,minmax(min(100%,520px),1fr))}.cards.wide .card{max-width:56rem}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:1rem;min-width:0;display:flex;flex-direction:column;scroll-margin-top:1rem}
.card:target{outline:2px solid var(--accent)}
.where{font-size:.88rem;color:var(--quiet);margin:0 0 .7rem}
.view{display:flex;flex-wrap:wrap;position:relative}
.view .stage{order:-1;flex:0 0 100%;margin-bottom:.5rem;position:relative;overflow:hidden;border-radius:4px;background:${cssColour(divergingColour(0))}}
.view label{flex:1 1 auto;text-align:center;margin-left:-1px;padding:.3em .35em;color:var(--quiet)}
.view label:first-of-type{border-radius:6px 0 0 6px;margin-left:0}
.view label:last-of-type{border-radius:0 6px 6px 0}
.view input:checked+label{background:var(--ink);color:var(--paper);border-color:var(--ink)}
.stage>img,.stage>div{position:absolute;inset:0;width:100%;height:100%;background-size:100% 100%}
.stage .heat{opacity:.88}.masked .stage .heat{opacity:.6}
.stage .colour{opacity:0}
.view:has(.image:checked) .colour{opacity:1}
.view:has(.image:checked) .heat,.view:has(.map:checked) .grey{opacity:0}
.view:has(.map:checked) .heat{opacity:1}
.contours{position:absolute;inset:0;width:100%;height:100%;opacity:0;pointer-events:none}.contours path{fill:none;stroke-width:2px;stroke-linecap:round;vector-effect:non-scaling-stroke}.contours .under{stroke:#fffd;stroke-width:4.5px}.contours .for{stroke:${cssColour(divergingColour(1))}}.contours .against{stroke:${cssColour(divergingColour(-1))}}
.view:has(.contour:checked) .contours,.view:has(.contour:checked) .colour{opacity:1}.view:has(.contour:checked) :is(.heat,.grey){opacity:0}.contour-words{display:none}figure:has(.contour:checked) .contour-words{display:block}figure:has(.contour:checked) figcaption>:is(.scale,.ends,.map-words){display:none}
figure.map+figure.features{margin-top:1.2rem}
.channels{margin-bottom:.8rem}.channel-maps{display:grid;grid-template-columns:repeat(auto-fill,minmax(5.4rem,1fr));gap:.7rem;margin:.5rem 0}.channel-maps .stage{position:relative;overflow:hidden;border-radius:4px}.channel-maps figcaption{margin-top:.25rem;line-height:1.3}.channel-maps b{color:var(--ink);font-weight:500;font-variant-numeric:tabular-nums}
.chips{list-style:none;margin:0;padding:0;display:flex;flex-wrap:wrap;gap:.3rem}
.chips li{background:var(--warn-ground);color:var(--warn-ink);border:1px solid var(--warn-line);border-radius:5px;font-size:.78rem;line-height:1.3;padding:.15em .55em}
figure>.chips,.shown>.chips{margin:.5rem 0 .7rem}
figcaption{margin-top:.7rem}
.scale{display:block;height:.7rem;border-radius:2px;border:1px solid var(--line);background:${scaleGradient()}}
.scale.mask{background-size:200% 100%;background-position:100% 0}
.ends{display:flex;justify-content:space-between;color:var(--ink);font-variant-numeric:tabular-nums;line-height:1.3;margin:.2rem 0 .35rem}
.ends span:last-child{text-align:right}
.verdict{margin:.8rem 0;font-weight:500;padding-left:.7rem;border-left:3px solid}
.verdict.good{color:var(--good)}.verdict.poor{color:var(--poor)}.verdict.open{color:var(--quiet)}
.numbers{display:grid;grid-template-columns:repeat(auto-fit,minmax(max(6rem,28%),1fr));gap:.3rem .6rem;margin:0 0 .8rem;font-variant-numeric:tabular-nums}
.numbers dt{font-size:.76rem;color:var(--quiet)}
.numbers dd{margin:0;font-size:.95rem;white-space:nowrap}.numbers .text{grid-column:1/-1}.numbers .text dd{white-space:normal}
.notes{font-size:.84rem;color:var(--quiet);padding-left:1.1em;margin:0 0 .8rem}
details{font-size:.86rem}
.read{display:flex;flex-direction:column;flex:1}.read>details:last-child{margin-top:auto}.cards.one .read>details:last-child{margin-top:0}
.answer{font-size:1.18rem;line-height:1.5;max-width:52rem}.verdict-word{font-weight:500}.verdict-word.good{color:var(--good)}.verdict-word.poor{color:var(--poor)}.verdict-word.open{color:var(--quiet)}
summary{cursor:pointer;color:var(--accent)}
pre{background:var(--track);padding:.7em;border-radius:6px;white-space:pre-wrap;margin:.6em 0}
.facts{margin:.6em 0 0}
.facts div{margin-bottom:.35em}
.facts dt{color:var(--quiet);font-size:.78rem}
.facts dd{margin:0}
.narrow{display:none}
.cells{line-height:1;display:flex;flex-wrap:wrap;gap:3px;margin:0 0 1rem}
.cell{display:inline-flex;flex-direction:column;align-items:center;gap:.25em;border-radius:4px;padding:.35em .5em;white-space:pre-wrap;max-width:100%}
.cell small{font-size:.68rem;font-variant-numeric:tabular-nums}
.cell.special{outline:1px dashed var(--quiet);outline-offset:-2px;font-style:italic}
.signal{margin:0 0 1rem}.lane{position:relative;margin-bottom:3px}.lane-name{display:block;color:var(--quiet);font-size:.7rem;line-height:1.3;margin-top:.3rem}.signal svg{display:block;width:100%;height:8rem;border-radius:4px;background:${cssColour(divergingColour(0))}}.lane:not(:only-of-type) svg{height:6rem}.signal .ends{font-size:.84rem}
.sweep{margin:0 0 2.4rem}.sweep-maps{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,11rem),1fr));gap:1rem;margin-bottom:1.2rem}
.asked{max-width:20rem}.asked .pair{display:grid;gap:.4rem;grid-template-columns:1fr 2.2fr;align-items:start}.asked .pair :only-child{grid-column:1/-1}
.asked img{width:100%;border-radius:4px}.asked .pair>img{border:1px solid var(--line)}.asked .stage{position:relative;overflow:hidden;border-radius:4px}
.asked figcaption span,.asked figcaption a{display:block;font-variant-numeric:tabular-nums}.strongest{margin:0;padding-left:1.2em;font-size:.9rem}
.agreement{width:auto;font-size:.88rem}.agreement td,.agreement th{padding:.35em .8em;text-align:center;overflow-wrap:normal;max-width:12rem}.agreement th[scope=row]{text-align:right}@media (max-width:560px){.agreement td,.agreement th{padding:.35em .4em;font-size:.78rem}.agreement th[scope=row]{padding-left:0;min-width:4.6rem}}
.sweep>.scroll{margin-bottom:.6rem}.sweep .legend{display:block;max-width:28rem;margin-bottom:1.2rem}
.aside{display:block;font-size:.78rem;opacity:.85}
.bars{table-layout:fixed}
.bars .name{width:28%}.bars col.text{width:24%}.bars .share{width:6.6rem}
.bars td.text{color:var(--quiet);font-size:.86rem}
.bars .track{position:relative;height:1.9em;padding:0;background:linear-gradient(var(--track),var(--track)) center/100% 1.3em no-repeat}
.bars .track span{position:absolute;top:calc(50% - .65em);height:1.3em;border-radius:2px}
.bars .number{padding-left:.7em;padding-right:0}
.positive{background:var(--positive)}.negative{background:var(--negative)}.total,.track .total{background:var(--total)}tr.total{background:none;font-weight:600}tr.total .aside,tr.total .narrow{font-weight:400;opacity:1;color:var(--quiet)}.bars:not(:has(col.text)) .name{width:36%}.track .rest{background:repeating-linear-gradient(45deg,var(--total) 0 3px,transparent 3px 6px)}
.scorecard{margin-bottom:.8rem}.scorecard table{margin:.3rem 0 .6rem}.scorecard .chips{margin:.4rem 0}.scorecard td{width:5.8rem;vertical-align:top;padding-right:0}.scorecard th{vertical-align:top;overflow-wrap:normal}.scorecard tr+tr>*{border-top:1px solid var(--line)}
.gauge-track{position:relative;display:block;height:.4rem;margin:.25rem 0;border-radius:99px;background:var(--track);border:1px solid var(--line)}.gauge-track .spread{position:absolute;top:0;height:100%;border-radius:99px;background:var(--total);opacity:.6}.gauge-track .point{position:absolute;top:-.2rem;width:.2rem;margin-left:-.1rem;height:.8rem;border-radius:1px;background:var(--ink)}
.score-words{margin:1.2rem 0 0;max-width:46rem}.score-table{width:auto;max-width:100%;font-size:.88rem;margin-top:.4rem}.score-table td,.score-table th{padding:.35em 0 .35em clamp(.6em,1.1vw,1.4em);overflow-wrap:normal;border-bottom:1px solid var(--line);vertical-align:top}.score-table th[scope=row],.score-table td:first-child{padding-left:0}.score-table .best b{text-decoration:underline;text-decoration-thickness:2px;text-underline-offset:3px}.score-table .number>b{font-weight:400}.score-table .best>b{font-weight:600}.score-table th .aside{padding-left:0!important}.score-table .aside{font-weight:400;white-space:normal}.score-table thead th{white-space:normal;max-width:9rem;overflow-wrap:break-word;vertical-align:bottom}.score-table tbody th{min-width:9rem;max-width:17rem}
.summary{border-top:1px solid var(--line);padding-top:2rem;margin-top:2rem}
.scroll td,.scroll th{overflow-wrap:break-word}
.scroll{overflow-x:auto;position:relative;background:linear-gradient(90deg,var(--paper) 40%,transparent) 0 0/2.5rem 100% no-repeat local,linear-gradient(270deg,var(--paper) 40%,transparent) 100% 0/2.5rem 100% no-repeat local,linear-gradient(90deg,var(--shade),transparent) 0 0/.8rem 100% no-repeat scroll,linear-gradient(270deg,var(--shade),transparent) 100% 0/.8rem 100% no-repeat scroll}.grade.below{display:none}
.summary table{font-size:.88rem;min-width:max(100%,26rem)}.summary tbody th,.summary .long{min-width:6.5rem}
.summary td,.summary th{padding:.4em .9em .4em 0;border-bottom:1px solid var(--line);overflow-wrap:normal}
.summary thead th{color:var(--quiet)}.summary thead .number{text-align:right}
.grade{white-space:nowrap}.grade.good{color:var(--good)}.grade.poor{color:var(--poor)}.grade.open{color:var(--quiet)}
footer{color:var(--quiet);font-size:.84rem;padding-top:2rem;padding-bottom:3rem}
.equation+.notes{columns:2 20rem;column-gap:2rem}
@media (max-width:560px){.views button{padding:.3em .5em}.summary table{min-width:0;font-size:.8rem}.summary td,.summary th{padding:.4em .55em .4em 0}.summary td:last-child,.summary thead th:last-child{display:none}.summary .grade.below{display:block}.head{grid-template-columns:minmax(0,1fr)}.seen{max-width:240px}.equation{flex-direction:column;align-items:flex-start}.sign{line-height:.6}.bars .name,.bars:not(:has(col.text)) .name{width:42%}.bars .text{display:none}.narrow{display:block;color:var(--quiet);font-size:.8rem}.bars .share{width:6rem}.bars .number{font-size:.94rem;padding-left:.4em}.score-table tbody th{min-width:7rem;max-width:8rem}.score-table td,.score-table th{padding-left:.8em}}
@media print{.controls,.skip{display:none}.card{break-inside:avoid}}
`;
}
