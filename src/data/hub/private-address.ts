import { BlockList, isIP } from 'node:net';

/** Networks that are not the open internet: RFC 6890, with those of IPv6. */
const closed = new BlockList();
for (const [network, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
] as const)
  closed.addSubnet(network, bits, 'ipv4');
for (const [network, bits] of [
  ['::', 127],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const)
  closed.addSubnet(network, bits, 'ipv6');

const loop = new BlockList();
loop.addSubnet('127.0.0.0', 8, 'ipv4');
loop.addAddress('::1', 'ipv6');

/** Whether an address is on a list; IPv4 written as IPv6 is IPv4. */
function isIn(list: BlockList, address: string): boolean {
  const plain = address.replace(/^\[|\]$/g, '').replace(/%.*$/, '');
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(plain)?.[1];
  return list.check(mapped ?? plain, isIP(mapped ?? plain) === 6 ? 'ipv6' : 'ipv4');
}

/** Whether an IP address is this machine. */
export const isLoopback = (address: string): boolean => isAddress(address) && isIn(loop, address);

/** Whether an IP address belongs to a closed network, this machine among them. */
export const isPrivate = (address: string): boolean => isAddress(address) && isIn(closed, address);

/** Whether the host of a web address is an IP address. */
export const isAddress = (host: string): boolean => isIP(host.replace(/^\[|\]$/g, '')) !== 0;
