import type { Random } from '../../../tensor/random.ts';
import { between, chance, css, type Hue, n, paint, pick, shade } from './colour.ts';

/** What the images show, in the order of the model's outputs. */
export const classes = ['car', 'cup', 'fish', 'house', 'mushroom', 'tree'] as const;
export type ClassName = (typeof classes)[number];

/** Draws an object into the square from −1 to 1, y downwards. */
type Drawing = (source: Random) => string;

const outline = (colour: Hue) =>
  `stroke="${css({ ...colour, saturation: colour.saturation * 0.7 }, -30)}" stroke-width="0.045" stroke-linejoin="round"`;

const glass = { hue: 200, saturation: 45, lightness: 78 };

function car(source: Random): string {
  const body = paint(source);
  const front = between(source, 0.18, 0.34);
  const back = chance(source, 0.5) ? between(source, -0.86, -0.74) : between(source, -0.66, -0.5);
  const roof = between(source, -0.56, -0.4);
  const wheel = between(source, 0.19, 0.25);
  const [left, right] = [between(source, -0.6, -0.5), between(source, 0.5, 0.6)];
  const hood = between(source, -0.06, 0.02);
  const pillar = (back + front) / 2 + between(source, -0.05, 0.1);
  const cabin = `M${n(back)} 0.02 L${n(back + 0.14)} ${n(roof)} L${n(front)} ${n(roof)} L${n(front + 0.34)} 0.02 Z`;
  const pane = (from: number, to: number, fromTop: number, toTop: number) =>
    `<path d="M${n(from)} -0.02 L${n(fromTop)} ${n(roof + 0.09)} L${n(toTop)} ${n(roof + 0.09)} L${n(to)} -0.02 Z" fill="${css(glass)}" stroke="${css(glass, -35)}" stroke-width="0.02"/>`;
  const tyre = (x: number) =>
    `<circle cx="${n(x)}" cy="0.36" r="${n(wheel)}" fill="#26262b"/><circle cx="${n(x)}" cy="0.36" r="${n(wheel * 0.52)}" fill="#c9ccd2"/><circle cx="${n(x)}" cy="0.36" r="${n(wheel * 0.18)}" fill="#6a6d75"/>`;
  return `${shade('paint', body)}
    <path d="${cabin}" fill="url(#paint)" ${outline(body)}/>
    ${pane(back + 0.1, pillar - 0.04, back + 0.2, pillar - 0.04)}${pane(pillar + 0.04, front + 0.24, pillar + 0.04, front - 0.02)}
    <path d="M-0.97 0.34 L-0.95 0.08 Q-0.94 0 -0.82 0 L0.6 ${n(hood)} Q0.92 0.04 0.96 0.16 L0.97 0.34 Q0.97 0.4 0.9 0.4 L-0.9 0.4 Q-0.97 0.4 -0.97 0.34 Z" fill="url(#paint)" ${outline(body)}/>
    <path d="M${n(pillar)} 0.03 L${n(pillar)} 0.34" stroke="${css(body, -24)}" stroke-width="0.025"/>
    <rect x="${n(pillar + 0.07)}" y="0.1" width="0.12" height="0.035" rx="0.015" fill="${css(body, -26)}"/>
    <ellipse cx="0.89" cy="0.16" rx="0.06" ry="0.07" fill="#fff3b0"/><rect x="-0.95" y="0.1" width="0.07" height="0.1" rx="0.02" fill="#c62f2f"/>
    ${tyre(left)}${tyre(right)}`;
}

function cup(source: Random): string {
  const body = paint(source);
  const top = between(source, -0.5, -0.35);
  const bottom = between(source, 0.5, 0.66);
  const [wide, narrow] = [between(source, 0.5, 0.6), between(source, 0.34, 0.54)];
  const rim = between(source, 0.11, 0.17);
  const handle = between(source, 0.3, 0.42);
  const middle = (top + bottom) / 2;
  const coffee = pick(source, ['#4a2c1a', '#6b4226', '#8a5a34', '#7a2e1d']);
  const band = chance(source, 0.5)
    ? `<path d="M${n(-wide + 0.03)} ${n(middle - 0.1)} Q0 ${n(middle + 0.04)} ${n(wide - 0.03)} ${n(middle - 0.1)} L${n((wide + narrow) / 2 - 0.02)} ${n(middle + 0.12)} Q0 ${n(middle + 0.27)} ${n(-(wide + narrow) / 2 + 0.02)} ${n(middle + 0.12)} Z" fill="${css(paint(source), 10)}"/>`
    : '';
  const saucer = chance(source, 0.45)
    ? `<ellipse cx="0.03" cy="${n(bottom + 0.05)}" rx="${n(narrow + 0.42)}" ry="0.15" fill="${css(body, 22)}" ${outline(body)}/>`
    : '';
  const steam = chance(source, 0.5)
    ? [-0.18, 0.14]
        .map(
          (x) =>
            `<path d="M${n(x)} ${n(top - 0.12)} q-0.1 -0.12 0 -0.22 q0.1 -0.1 0 -0.22" fill="none" stroke="white" stroke-opacity="0.75" stroke-width="0.06" stroke-linecap="round"/>`,
        )
        .join('')
    : '';
  return `${shade('china', body)}${saucer}
    <path d="M${n(wide - 0.06)} ${n(top + 0.16)} C${n(wide + handle + 0.1)} ${n(top + 0.1)} ${n(wide + handle + 0.06)} ${n(bottom - 0.16)} ${n((wide + narrow) / 2 - 0.08)} ${n(bottom - 0.28)}" fill="none" stroke="${css(body, -34)}" stroke-width="0.2" stroke-linecap="round"/>
    <path d="M${n(wide - 0.06)} ${n(top + 0.16)} C${n(wide + handle + 0.1)} ${n(top + 0.1)} ${n(wide + handle + 0.06)} ${n(bottom - 0.16)} ${n((wide + narrow) / 2 - 0.08)} ${n(bottom - 0.28)}" fill="none" stroke="${css(body, -4)}" stroke-width="0.12" stroke-linecap="round"/>
    <path d="M${n(-wide)} ${n(top)} L${n(-narrow)} ${n(bottom - 0.05)} Q0 ${n(bottom + 0.16)} ${n(narrow)} ${n(bottom - 0.05)} L${n(wide)} ${n(top)} Z" fill="url(#china)" ${outline(body)}/>
    ${band}
    <ellipse cx="0" cy="${n(top)}" rx="${n(wide)}" ry="${n(rim)}" fill="${css(body, 20)}" ${outline(body)}/>
    <ellipse cx="0" cy="${n(top + 0.025)}" rx="${n(wide - 0.07)}" ry="${n(rim - 0.045)}" fill="${coffee}"/>
    ${steam}`;
}

function fish(source: Random): string {
  const body = paint(source);
  const fins = chance(source, 0.5) ? { ...body, lightness: body.lightness - 8 } : paint(source);
  const height = between(source, 0.3, 0.48);
  const tail = between(source, 0.24, 0.42);
  const stripes = chance(source, 0.55)
    ? [-0.22, 0.06, 0.32]
        .map(
          (x) =>
            `<path d="M${n(x)} ${n(-height * 0.86)} Q${n(x + 0.12)} 0 ${n(x)} ${n(height * 0.86)}" fill="none" stroke="${css(body, 26)}" stroke-width="${n(between(source, 0.07, 0.13))}" stroke-opacity="0.85"/>`,
        )
        .join('')
    : [-0.2, 0, 0.2, 0.4]
        .flatMap((x) =>
          [-0.12, 0.12].map(
            (y) =>
              `<path d="M${n(x)} ${n(y - 0.08)} q0.1 0.08 0 0.16" fill="none" stroke="${css(body, -20)}" stroke-width="0.03"/>`,
          ),
        )
        .join('');
  return `${shade('scales', body, 18)}
    <path d="M-0.1 ${n(-height * 0.8)} Q0.12 ${n(-height - 0.34)} 0.42 ${n(-height - 0.1)} L0.36 ${n(-height * 0.7)} Z" fill="${css(fins)}" ${outline(fins)}/>
    <path d="M0 ${n(height * 0.8)} Q0.1 ${n(height + 0.24)} 0.3 ${n(height + 0.12)} L0.26 ${n(height * 0.7)} Z" fill="${css(fins)}" ${outline(fins)}/>
    <path d="M0.52 0 L0.95 ${n(-tail)} Q0.82 0 0.95 ${n(tail)} Z" fill="${css(fins)}" ${outline(fins)}/>
    <path d="M-0.9 0.03 Q-0.55 ${n(-height * 1.12)} 0.02 ${n(-height)} Q0.45 ${n(-height * 0.72)} 0.64 0 Q0.45 ${n(height * 0.72)} 0.02 ${n(height)} Q-0.55 ${n(height * 1.12)} -0.9 0.03 Z" fill="url(#scales)" ${outline(body)}/>
    ${stripes}
    <path d="M-0.42 ${n(-height * 0.7)} Q-0.3 0 -0.42 ${n(height * 0.7)}" fill="none" stroke="${css(body, -26)}" stroke-width="0.04"/>
    <path d="M-0.2 0.06 Q0 0.02 0.05 0.22 Q-0.1 0.26 -0.2 0.06 Z" fill="${css(fins, 8)}" ${outline(fins)}/>
    <circle cx="-0.62" cy="-0.07" r="0.085" fill="white"/><circle cx="-0.64" cy="-0.07" r="0.045" fill="#16161a"/>
    <path d="M-0.88 0.06 Q-0.8 0.1 -0.74 0.08" fill="none" stroke="${css(body, -34)}" stroke-width="0.035" stroke-linecap="round"/>`;
}

function house(source: Random): string {
  const walls = {
    hue: between(source, 0, 360),
    saturation: between(source, 15, 55),
    lightness: between(source, 62, 84),
  };
  const roof = pick(source, [paint(source), { hue: between(source, 0, 24), saturation: 60, lightness: 42 }]);
  const door = paint(source);
  const wide = between(source, 0.56, 0.76);
  const eaves = between(source, -0.2, -0.05);
  const ridge = between(source, -0.86, -0.66);
  const flat = chance(source, 0.4) ? between(source, 0.2, 0.4) : 0;
  const entry = pick(source, [-0.5, -0.14, 0.2]);
  const chimney = chance(source, 0.6)
    ? `<rect x="${n(between(source, 0.2, 0.36))}" y="${n(ridge + 0.02)}" width="0.17" height="0.4" fill="${css(roof, -14)}" ${outline(roof)}/>`
    : '';
  const pane = (x: number, y: number) =>
    `<rect x="${n(x)}" y="${n(y)}" width="0.28" height="0.26" fill="${css(glass)}" stroke="#f8f6ee" stroke-width="0.05"/><path d="M${n(x + 0.14)} ${n(y)} v0.26 M${n(x)} ${n(y + 0.13)} h0.28" stroke="#f8f6ee" stroke-width="0.03"/>`;
  const positions = [-0.5, -0.14, 0.22].filter((x) => Math.abs(x - entry) > 0.25);
  return `${shade('walls', walls, 8)}${shade('tiles', roof)}${chimney}
    <rect x="${n(-wide)}" y="${n(eaves)}" width="${n(2 * wide)}" height="${n(0.78 - eaves)}" fill="url(#walls)" ${outline(walls)}/>
    <path d="M${n(-wide - 0.16)} ${n(eaves + 0.03)} L${n(-flat)} ${n(ridge)} L${n(flat)} ${n(ridge)} L${n(wide + 0.16)} ${n(eaves + 0.03)} Z" fill="url(#tiles)" ${outline(roof)}/>
    <rect x="${n(entry)}" y="0.26" width="0.28" height="0.52" fill="${css(door, -6)}" ${outline(door)}/><circle cx="${n(entry + 0.22)}" cy="0.54" r="0.03" fill="#f0d060"/>
    ${positions.map((x) => pane(x, between(source, 0.12, 0.26))).join('')}`;
}

function mushroom(source: Random): string {
  const cap = paint(source);
  const stem = {
    hue: between(source, 30, 55),
    saturation: between(source, 20, 45),
    lightness: between(source, 80, 90),
  };
  const wide = between(source, 0.66, 0.88);
  const top = between(source, -0.82, -0.58);
  const thick = between(source, 0.17, 0.27);
  const brim = between(source, -0.05, 0.08);
  const spots = chance(source, 0.75)
    ? [-0.42, -0.04, 0.36, 0.16]
        .map((x, i) => {
          const y = brim + (top - brim) * (i === 3 ? 0.26 : between(source, 0.36, 0.66) * (1 - (x / wide) ** 2 * 0.6));
          const r = between(source, 0.07, 0.12);
          return `<ellipse cx="${n(x)}" cy="${n(y)}" rx="${n(r)}" ry="${n(r * 0.75)}" fill="${css(stem, 6)}"/>`;
        })
        .join('')
    : '';
  return `${shade('cap', cap, 18)}${shade('stem', stem, 8)}
    <path d="M${n(-thick)} ${n(brim)} Q${n(-thick + 0.06)} 0.45 ${n(-thick - 0.1)} 0.82 Q0 0.95 ${n(thick + 0.1)} 0.82 Q${n(thick - 0.06)} 0.45 ${n(thick)} ${n(brim)} Z" fill="url(#stem)" ${outline(stem)}/>
    <path d="M${n(-thick - 0.04)} ${n(brim + 0.2)} Q0 ${n(brim + 0.36)} ${n(thick + 0.04)} ${n(brim + 0.2)} L${n(thick)} ${n(brim + 0.1)} L${n(-thick)} ${n(brim + 0.1)} Z" fill="${css(stem, 4)}" ${outline(stem)}/>
    <path d="M${n(-wide)} ${n(brim)} Q${n(-wide * 0.92)} ${n(top)} 0 ${n(top)} Q${n(wide * 0.92)} ${n(top)} ${n(wide)} ${n(brim)} Q0 ${n(brim + 0.2)} ${n(-wide)} ${n(brim)} Z" fill="url(#cap)" ${outline(cap)}/>
    ${spots}`;
}

function tree(source: Random): string {
  const leaves = {
    hue: pick(source, [between(source, 80, 150), between(source, 80, 150), between(source, 15, 55)]),
    saturation: between(source, 35, 65),
    lightness: between(source, 30, 46),
  };
  const bark = {
    hue: between(source, 20, 35),
    saturation: between(source, 25, 45),
    lightness: between(source, 26, 38),
  };
  const thick = between(source, 0.09, 0.15);
  const trunk = `<path d="M${n(-thick)} 0.1 L${n(-thick - 0.06)} 0.9 L${n(thick + 0.06)} 0.9 L${n(thick)} 0.1 Z" fill="${css(bark)}" ${outline(bark)}/>`;
  if (chance(source, 0.45)) {
    const tiers = 3 + source.integer(2);
    const wide = between(source, 0.5, 0.66);
    const layers = Array.from({ length: tiers }, (_, i) => {
      const low = 0.55 - (i * 1.0) / tiers;
      const half = wide * (1 - (i * 0.75) / tiers);
      const apex = Math.max(-0.95, low - 1.1 / tiers - 0.22);
      return `<path d="M${n(-half)} ${n(low)} Q0 ${n(low + 0.12)} ${n(half)} ${n(low)} L0 ${n(apex)} Z" fill="${css(leaves, i * 4)}" ${outline(leaves)}/>`;
    });
    return trunk + layers.join('');
  }
  const spread = between(source, 0.3, 0.42);
  const tufts = [
    [-spread, -0.02],
    [spread, -0.04],
    [-spread * 0.7, -0.42],
    [spread * 0.75, -0.44],
    [0, -0.62],
    [0, -0.16],
  ];
  const radius = between(source, 0.3, 0.37);
  const circles = (grow: number, fill: string) =>
    tufts.map(([x, y]) => `<circle cx="${n(x)}" cy="${n(y)}" r="${n(radius + grow)}" fill="${fill}"/>`).join('');
  const lights = tufts
    .map(
      ([x, y]) =>
        `<circle cx="${n(x - 0.08)}" cy="${n(y - 0.1)}" r="${n(radius * 0.55)}" fill="${css(leaves, 9)}" fill-opacity="0.8"/>`,
    )
    .join('');
  return (
    trunk +
    circles(0.03, css({ ...leaves, saturation: leaves.saturation * 0.8 }, -22)) +
    circles(0, css(leaves)) +
    lights
  );
}

export const objects: Readonly<Record<ClassName, Drawing>> = { car, cup, fish, house, mushroom, tree };
