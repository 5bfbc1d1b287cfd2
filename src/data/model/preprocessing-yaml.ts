import { Document, isPair, isScalar, isSeq, visit } from 'yaml';
import { readYaml } from '../formats/yaml.ts';
import type { Preprocessing, PreprocessingText } from './preprocessing.ts';
import { checkedPreprocessing } from './preprocessing-text.ts';

/**
 * Reads the text of a `wherefore.yaml` and fills in its defaults.
 * @param where Name of the file, for messages, which add the line.
 * @throws WhereforeError `invalid-data` with every mistake of the file, each with its line and what would be right.
 */
export function parsePreprocessing(text: string, where = 'wherefore.yaml'): Preprocessing {
  const { value, lineOf } = readYaml(text, where);
  return checkedPreprocessing(value ?? {}, where, (issue) =>
    lineOf(issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0]] : issue.path),
  );
}

/** The text of a `wherefore.yaml`, a column of a table and numbers on one line; reading it back gives an equal preprocessing. */
export function formatPreprocessing(preprocessing: PreprocessingText): string {
  const document = new Document(preprocessing);
  visit(document, {
    Map(key, node, path) {
      const [list] = path.slice(-1);
      const columns = path.at(-2);
      if (typeof key === 'number' && isSeq(list) && isPair(columns) && String(columns.key) === 'columns')
        node.flow = true;
    },
    Seq(_key, node) {
      if (node.items.every((item) => isScalar(item) && typeof item.value === 'number')) node.flow = true;
    },
  });
  return document.toString({ collectionStyle: 'any', flowCollectionPadding: false, lineWidth: 120 });
}
