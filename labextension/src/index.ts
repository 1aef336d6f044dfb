import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { cells } from './plugins/cells';
import { chat } from './plugins/chat';
import { errors } from './plugins/errors';

const plugins: JupyterFrontEndPlugin<unknown>[] = [chat, cells, errors];

export default plugins;
