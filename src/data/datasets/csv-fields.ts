import { WhereforeError } from '../../errors.ts';

/**
 * The fields of one CSV record (RFC 4180), without the spaces around them: a field that begins with a quotation mark
 * ends at the next one that is not doubled.
 * @throws WhereforeError `invalid-data` for a quotation mark inside a field without, or text behind a closing one
 */
export function csvFields(record: string, delimiter: string, where: string): string[] {
  if (!record.includes('"')) return record.split(delimiter).map((field) => field.trim());
  const fields: string[] = [];
  for (let at = 0; at <= record.length; ) {
    let start = at;
    while (isSpace(record, start) && !record.startsWith(delimiter, start)) start++;
    const [field, end] =
      record[start] === '"' ? quotedField(record, start, where) : plainField(record, start, delimiter, where);
    fields.push(field);
    at = end;
    while (at < record.length && !record.startsWith(delimiter, at)) {
      if (!isSpace(record, at)) throw notCsv('text behind a closing quotation mark', where);
      at++;
    }
    at += delimiter.length;
  }
  return fields;
}

function quotedField(record: string, start: number, where: string): [field: string, end: number] {
  let text = '';
  for (let at = start + 1; ; ) {
    const mark = record.indexOf('"', at);
    if (mark < 0) throw notCsv('a quotation mark that is not closed', where);
    text += record.slice(at, mark);
    if (record[mark + 1] !== '"') return [text.trim(), mark + 1];
    text += '"';
    at = mark + 2;
  }
}

function plainField(record: string, start: number, delimiter: string, where: string): [field: string, end: number] {
  const next = record.indexOf(delimiter, start);
  const end = next < 0 ? record.length : next;
  const field = record.slice(start, end).trim();
  if (field.includes('"')) throw notCsv('a quotation mark inside a field that does not begin with one', where);
  return [field, end];
}

function isSpace(record: string, at: number): boolean {
  const letter = record[at];
  return letter === ' ' || letter === '\t' || letter === '\r' || letter === '\n';
}

function notCsv(got: string, where: string): WhereforeError {
  return new WhereforeError('invalid-data', 'not CSV', {
    where,
    got,
    fix: 'put the whole value in quotation marks, and double those inside it',
  });
}
