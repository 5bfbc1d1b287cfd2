// Makes a fresh clone ready for `npm test`: a Node that is new enough, and the dependencies.
import { installDependencies, requireNode } from './workspace.mjs';

requireNode();
installDependencies();
